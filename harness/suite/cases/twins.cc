#include "harness/suite/cases/twins.h"

#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "harness/load/load_path.h"
#include "harness/measure/scoped_fd.h"
#include "loadpath/tensor_at.h"

namespace loadpath {
namespace {

using Json = nlohmann::json;

// Seconds that a twin may take to be built, or for a pass.
constexpr double kLimit = 600;

std::vector<std::string> CommandOf(const PythonTwins& twins) {
  if (twins.python.empty() || !std::filesystem::exists(twins.python)) {
    throw Skipped("there is no Python with PyTorch at " + (twins.python.empty() ? "hand" : twins.python) +
                  ": --python names one");
  }
  std::vector<std::string> command = {"/usr/bin/env",  "PYTHONPATH=" + twins.module_path, twins.python, "-B", "-m",
                                      "loadpath.eager"};
  if (!twins.references.empty()) command.push_back(twins.references);
  return command;
}

// Python's own answer that it cannot do what it was asked for.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A file in memory, which another process of this user can write.
class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("outputs", MFD_CLOEXEC)) {
    if (fd_ < 0) throw std::runtime_error("memfd_create failed");
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace

TwinProcess::TwinProcess(const PythonTwins& twins) : process_(CommandOf(twins)) {}

Json TwinProcess::Ask(const Json& request) {
  std::string error;
  bool missing = false;
  try {
    ended_ = true;  // until it has answered
    const std::string line = process_.Ask(request.dump(), kLimit);
    ended_ = false;
    Json answer = Json::parse(line);
    if (!answer.is_object()) throw std::runtime_error("Python did not answer with an object");
    if (!answer.contains("error")) return answer;
    error = "Python: " + answer["error"].get<std::string>();
    missing = answer.value("missing", false);
  } catch (const Json::exception&) {
    throw std::runtime_error("Python did not answer in JSON as it should");
  }
  if (missing) throw Skipped(error);
  throw Refused(error);
}

std::map<std::string, std::string> TwinProcess::Open(const Subject& subject) {
  const Json answer = Ask({{"do", "open"},
                           {"model", subject.model},
                           {"weights", subject.weights},
                           {"key", subject.key},
                           {"golden", subject.golden},
                           {"device", subject.device}});
  opened_ = subject;
  try {
    return answer.at("sha256");
  } catch (const Json::exception& error) {
    throw std::runtime_error(std::string("Python's answer: ") + error.what());
  }
}

const std::map<std::string, TwinProcess::Described>& TwinProcess::Describe(const std::string& file,
                                                                           const std::string& key) {
  const auto found = described_.find({file, key});
  if (found != described_.end()) return found->second;
  std::map<std::string, Described> tensors;
  try {
    const Json answer = Ask({{"do", "describe"}, {"path", std::filesystem::absolute(file).string()}, {"key", key}});
    for (const auto& [name, tensor] : answer.at("tensors").items())
      tensors[name] = {tensor.at("dtype"), tensor.at("shape"), tensor.at("sha256")};
  } catch (const Json::exception& error) {
    throw std::runtime_error(std::string("Python's answer: ") + error.what());
  } catch (const Refused& error) {
    throw Skipped(std::string(error.what()) + " (--oracle python reads .pth and .safetensors files; without it, our " +
                  "own reader says what the file holds)");
  }
  return described_[{file, key}] = std::move(tensors);
}

Sample TwinProcess::Pass(const Subject& subject, int threads, std::vector<at::Tensor>* outputs) {
  if (subject != opened_) Open(subject);
  std::optional<MemoryFile> file;
  Json request = {{"do", "pass"}, {"threads", threads}, {"outputs", nullptr}};
  if (outputs != nullptr) request["outputs"] = file.emplace().path();
  const Json answer = Ask(request);
  if (outputs != nullptr) {
    const auto checkpoint = Checkpoint::Open(file->path());
    outputs->clear();
    for (std::size_t i = 0; i < checkpoint->storages().size(); ++i)
      outputs->push_back(TensorAt(*checkpoint, std::to_string(i)));
  }
  try {
    return {.wall_ns = answer.at("wall_ns"),
            .cpu_ns = answer.at("cpu_ns"),
            .minor_faults = answer.at("minor_faults"),
            .major_faults = answer.at("major_faults"),
            .checked = outputs != nullptr};
  } catch (const Json::exception& error) {
    throw std::runtime_error(std::string("Python's answer: ") + error.what());
  }
}

}  // namespace loadpath
