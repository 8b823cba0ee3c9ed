#include "harness/suite/run.h"

#include <filesystem>
#include <set>

#include "harness/base/paths.h"
#include "harness/checkpoint/formats/folder.h"
#include "harness/golden/compare.h"
#include "models/model.h"

namespace loadpath::bench {
namespace {

constexpr std::uint64_t kScratch = std::uint64_t{256} << 20, kQuickScratch = std::uint64_t{64} << 20;

// Beside the reference data, so that the limits are those of the same disk.
std::string ScratchFolder(const Options& options) {
  return std::filesystem::is_directory(options.data) ? options.data : std::filesystem::temp_directory_path().string();
}

}  // namespace

Session::Session(const Options& given)
    : options(given), limits(ScratchFolder(given), given.quick ? kQuickScratch : kScratch) {
  try {
    manifest = Manifest::Read(options.data);
  } catch (const std::exception& error) {
    no_manifest = error.what();
  }
}

const ManifestModel& Session::ModelOf(const std::string& model) const {
  if (!manifest) throw Skipped("no reference data (" + no_manifest + "); scripts/bench makes it");
  const ManifestModel* found = manifest->FindModel(model);
  if (found == nullptr)
    throw Skipped("no reference data of " + model + " in " + options.data + "; scripts/bench makes it");
  return *found;
}

const ManifestFile& Session::FileOf(const std::string& model, const std::string& format,
                                    const std::string& layout) const {
  ModelOf(model);
  const ManifestFile* found = manifest->FindFile(model, format, layout);
  if (found == nullptr || !std::filesystem::exists(manifest->PathOf(found->name))) {
    throw Skipped("no " + format + "/" + layout + " of " + model + " in " + options.data + "; scripts/bench makes it");
  }
  return *found;
}

std::string Session::ProgramOf(const std::string& model) const {
  ModelOf(model);
  const ManifestProgram* found = manifest->FindProgram(model);
  if (found == nullptr || !std::filesystem::exists(manifest->PathOf(found->name))) {
    throw Skipped("no AOTInductor package of " + model + " in " + options.data + "; scripts/bench makes it");
  }
  return manifest->PathOf(found->name);
}

Run::Run(const Case& which) : which_(which) {
  record.name = which.Name();
  record.kind = which.kind;
  record.model = which.model;
  record.format = which.format;
  record.layout = which.layout;
  record.path = which.path;
  record.device = which.device;
  record.cache = which.cache;
  if (which.batch > 0) record.batch = which.batch;
  if (which.threads > 0) record.threads = which.threads;
}

OpenOptions HowToOpen(const Case& which) { return {.opaque = which.format == "opaque"}; }

std::vector<std::string> FilesOf(const std::string& path, const OpenOptions& how) {
  const auto checkpoint = Checkpoint::Open(path, how);
  std::set<std::string> files = {std::filesystem::canonical(IsFolder(path) ? CheckpointInFolder(path) : path).string()};
  for (std::uint32_t i = 0; i < checkpoint->file_count(); ++i) {
    files.insert(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(checkpoint->fd(i))).string());
  }
  return {files.begin(), files.end()};
}

std::unique_ptr<Run> MakeRun(const Case& which, Session& session) {
  if (which.kind == "load") return MakeLoadRun(which, session);
  if (which.kind == "forward") return MakeForwardRun(which, session);
  if (which.kind == "startup") return MakeStartupRun(which, session);
  return MakeLimitRun(which, session);
}

std::string CheckOutputs(torch::nn::Module& module, const std::string& name, std::int64_t batch, const Session& session,
                         at::Device device) {
  module.eval();
  const Model& model = *FindModel(name);
  return CheckOutputs([&](std::span<const at::Tensor> inputs) { return model.forward(module, inputs); }, name, batch,
                      session, device);
}

std::string CheckOutputs(const Forward& forward, const std::string& name, std::int64_t batch, const Session& session,
                         at::Device device) {
  const ManifestModel& entry = session.ModelOf(name);
  Golden golden = ReadGolden(*session.manifest, entry, batch);
  for (auto& input : golden.inputs) input = input.to(device);
  const at::NoGradGuard no_grad;
  const auto outputs = forward(golden.inputs);
  if (outputs.size() != golden.outputs.size()) {
    throw WrongAnswer(name + " has " + std::to_string(outputs.size()) + " outputs, Python's has " +
                      std::to_string(golden.outputs.size()));
  }
  std::string difference;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Comparison comparison = Compare(outputs[i].to(at::kCPU), golden.outputs[i], {entry.rtol, entry.atol});
    if (!comparison.equal)
      throw WrongAnswer("output " + std::to_string(i) + " of " + name + ": " + comparison.sentence);
    if (i == 0) difference = comparison.sentence;
  }
  return difference;
}

}  // namespace loadpath::bench
