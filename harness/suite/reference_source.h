#ifndef LOADPATH_HARNESS_SUITE_REFERENCE_SOURCE_H_
#define LOADPATH_HARNESS_SUITE_REFERENCE_SOURCE_H_

#include <span>
#include <string>
#include <vector>

#include "harness/suite/case.h"
#include "harness/suite/session.h"

namespace loadpath {

/// One state dict of a reference file and the model that takes it.
struct ReferencePart {
  const Model* model;
  const ManifestModel* entry;
  std::string key;
  const ManifestFile* own = nullptr;  ///< set for a file of the user's own
  KeyRules rules() const { return own == nullptr ? KeyRules{} : own->rules; }
};
/// A file of the reference data and what is loaded from it.
struct ReferenceSource {
  std::string file;
  std::vector<ReferencePart> parts;
  bool must_load = true;  ///< false if the load path is not expected to take this file: then it may refuse it
};

/// Returns the file of a load or startup case in the form that its load path reads. Throws MissingData.
ReferenceSource FindReference(const Case& one, const Session& session);

/// Prepares a module that was loaded from the user's own file for the comparison with the reference, which Python made
/// by load_state_dict into a whole module: tensors to which `path` gave the file's dtype are converted to the
/// reference's, and those that the rules left out are taken from the reference file. `report` is the load's. Throws
/// WrongAnswer if the load did not fill just those tensors that Python's did.
void Complete(const ReferencePart& part, const LoadPath& path, std::span<const KeyReport> report,
              torch::nn::Module& module, const Session& session);

/// Returns the file that a model's own weights come from: its first file of format zip.
ReferenceSource FindWeights(const std::string& model, const Session& session);

/// Opening options of a case: whole pickled modules need `opaque`.
OpenOptions HowToOpen(const Case& one);

/// Loads by the path. If `must_load`, a refusal is an error: std::runtime_error instead of Skipped.
LoadResult LoadBy(const LoadPath& path, const LoadRequest& request, bool must_load);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_REFERENCE_SOURCE_H_
