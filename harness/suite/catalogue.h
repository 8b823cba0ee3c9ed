#ifndef LOADPATH_HARNESS_SUITE_CATALOGUE_H_
#define LOADPATH_HARNESS_SUITE_CATALOGUE_H_

#include <span>
#include <string>
#include <vector>

#include "harness/suite/case.h"
#include "loadpath/model.h"

namespace loadpath {

/// A checkpoint of the user's own that lies in the reference data of a model.
struct OwnFile {
  std::string model, format;
};

/// What the cases are made from.
struct CatalogueRequest {
  std::span<const Model> models;
  std::vector<DeviceName> devices;
  std::vector<CacheState> caches;
  std::vector<UserCheckpoint> checkpoints;  ///< if there are any, the cases are theirs and not the models'
  std::vector<OwnFile> own{};
  std::vector<MemoryState> memories = {MemoryState::kBacked};
};

/// Returns every case, no two alike: each kind of case lists its own (case_kinds.h). Needs no data.
std::vector<Case> Catalogue(const CatalogueRequest& request);

/// What one load fills: a model, or several from one file.
struct ModelSet {
  std::string name;
  std::vector<std::string> models;
  /// In which ways its file is opened; `layout` replaces the file's own layout in the case, unless it is empty.
  struct Opening {
    std::string layout;
    bool once;
  };
  std::vector<Opening> openings;
};
/// Each model alone, and "multi:A+B" behind the second of the two.
std::vector<ModelSet> ModelSets(std::span<const Model> models);

/// The load paths by the devices by the states of the page cache and of memory (a new process has its own): adds `base`
/// for each, with these filled in.
void AddLoads(Case base, const CatalogueRequest& request, std::vector<Case>& all);
/// AddLoads for each reference file of each set of models.
void AddReferenceLoads(CaseKind kind, const CatalogueRequest& request, std::vector<Case>& all);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_CATALOGUE_H_
