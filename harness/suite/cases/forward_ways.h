#ifndef LOADPATH_HARNESS_SUITE_CASES_FORWARD_WAYS_H_
#define LOADPATH_HARNESS_SUITE_CASES_FORWARD_WAYS_H_

#include "harness/suite/run.h"

namespace loadpath::bench {

/// The ways to a model's outputs: forward/…/module, …/torchscript, …/aoti. Each opens the reference data of a model,
/// checks its weights against the manifest's hashes and gives what runs it. Throws Skipped, WrongAnswer.
Forward OpenModule(const std::string& model, const Session& session, at::Device device);
Forward OpenTorchScript(const std::string& model, const Session& session, at::Device device);
/// Runs machine code that lies in the package: of our own reference data, never of a user's file.
Forward OpenAoti(const std::string& model, const Session& session, at::Device device);

}  // namespace loadpath::bench

#endif  // LOADPATH_HARNESS_SUITE_CASES_FORWARD_WAYS_H_
