#include "harness/suite/session.h"

#include <algorithm>
#include <filesystem>

#include "harness/suite/cases/twins.h"

namespace loadpath {
namespace {

constexpr std::uint64_t kScratch = std::uint64_t{256} << 20, kQuickScratch = std::uint64_t{64} << 20;

// Beside the reference data, so that the limits are those of the same disk.
std::string ScratchFolder(const std::string& data) {
  return std::filesystem::is_directory(data) ? data : std::filesystem::temp_directory_path().string();
}

[[noreturn]] void Missing(const std::string& what, const Session& session) {
  throw MissingData("no " + what + " in " + session.data() + "; " + session.make_data());
}

}  // namespace

Session::Session(std::span<const Model> models, std::string data, bool quick, std::string make_data, PythonTwins python)
    : models_(models),
      data_(std::move(data)),
      make_data_(std::move(make_data)),
      python_(std::move(python)),
      limits_(ScratchFolder(data_), quick ? kQuickScratch : kScratch) {
  try {
    manifest_ = Manifest::Read(data_);
  } catch (const std::exception& error) {
    why_no_manifest_ = error.what();
  }
}

Session::~Session() = default;

TwinProcess& Session::twins() {
  if (!twins_ || twins_->ended()) twins_ = std::make_unique<TwinProcess>(python_);
  return *twins_;
}

Limits& Session::LimitsOf(const std::vector<std::string>& files) {
  std::unique_ptr<Limits>& limits = limits_of_[files];
  if (!limits) limits = std::make_unique<Limits>(ScratchFolder(data_), files);
  return *limits;
}

const Model& Session::FindModel(const std::string& name) const {
  const auto found = std::ranges::find(models_, name, &Model::name);
  if (found == models_.end()) throw Skipped("no model " + name + " in this program");
  return *found;
}

const Manifest& Session::manifest() const {
  if (!manifest_) throw MissingData("no reference data: " + why_no_manifest_ + "; " + make_data_);
  return *manifest_;
}

const ManifestModel& Session::ModelOf(const std::string& model) const {
  const ManifestModel* found = manifest().FindModel(model);
  if (found == nullptr) Missing("reference data of " + model, *this);
  return *found;
}

const ManifestFile& Session::FileOf(const std::string& model, const std::string& format,
                                    const std::string& layout) const {
  ModelOf(model);
  if (const ManifestNotMade* not_made = manifest().FindNotMade(model, format, layout)) {
    throw NotMade("no " + format + "/" + layout + " of " + model + " can be made: " + not_made->reason);
  }
  const ManifestFile* found = manifest().FindFile(model, format, layout);
  if (found == nullptr || !std::filesystem::exists(manifest().PathOf(found->name))) {
    Missing(format + "/" + layout + " of " + model, *this);
  }
  return *found;
}

std::string Session::ProgramOf(const std::string& model) const {
  ModelOf(model);
  if (const ManifestNotMade* not_made = manifest().FindNotMade(model, "aoti", "bare")) {
    throw NotMade("no AOTInductor package of " + model + " can be made: " + not_made->reason);
  }
  const ManifestProgram* found = manifest().FindProgram(model);
  if (found == nullptr || !std::filesystem::exists(manifest().PathOf(found->name))) {
    Missing("AOTInductor package of " + model, *this);
  }
  return manifest().PathOf(found->name);
}

}  // namespace loadpath
