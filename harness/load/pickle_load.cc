#include <ATen/core/Dict.h>
#include <torch/serialize.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "harness/load/prepare.h"

namespace loadpath {
namespace {

// Without the place in the folder where LibTorch was built.
std::string FirstLine(const std::string& text) {
  static constexpr std::string_view kAsk = "please report a bug to PyTorch. ";
  std::string line = text.substr(0, text.find('\n'));
  const std::size_t assertion = line.find("INTERNAL ASSERT FAILED at "), ask = line.find(kAsk);
  if (assertion != std::string::npos && ask != std::string::npos) line.erase(0, ask + kAsk.size());
  return line;
}

std::vector<char> ReadWhole(const std::string& file) {
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  if (!stream) throw CheckpointError(ErrorCode::kIo, file, "cannot be opened");
  std::vector<char> bytes(static_cast<std::size_t>(stream.tellg()));
  stream.seekg(0);
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    throw CheckpointError(ErrorCode::kIo, file, "cannot be read");
  }
  return bytes;
}

at::IValue PickleLoad(const std::vector<char>& bytes) {
  try {
    return torch::pickle_load(bytes);
  } catch (const c10::Error& error) {
    throw Skipped("torch::pickle_load refuses it: " + FirstLine(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    throw Skipped("torch::pickle_load refuses it: " + FirstLine(error.what()));
  }
}

// The longest prefix of the path that is a key wins, as in FollowKeyPath.
at::IValue Follow(at::IValue value, std::string_view path) {
  while (!path.empty()) {
    std::size_t length = path.size();
    for (;; length = path.rfind('.', length - 1)) {
      if (length == std::string_view::npos || length == 0) throw Skipped("torch::pickle_load gives no " + std::string(path));
      const std::string key(path.substr(0, length));
      if (value.isGenericDict()) {
        const auto dict = value.toGenericDict();
        if (const auto found = dict.find(key); found != dict.end()) {
          value = found->value();
          break;
        }
      }
    }
    path = length == path.size() ? std::string_view() : path.substr(length + 1);
  }
  return value;
}

}  // namespace

LoadResult LoadPickle(const LoadRequest& request) {
  if (request.device != at::kCPU) throw Skipped("torch::pickle_load reads to the CPU alone");
  LoadResult result;
  const Prepared prepared = Prepare(request, /*assign=*/false, result);
  Stopwatch watch;
  const std::string& file = prepared.checkpoint->path();
  if (prepared.checkpoint->file_count() != 1 || !std::filesystem::is_regular_file(file)) throw Skipped("torch::pickle_load reads one file alone");
  at::IValue root;
  {
    const std::vector<char> bytes = ReadWhole(file);
    result.read.bytes_read += bytes.size();
    ++result.read.read_calls;
    root = PickleLoad(bytes);
    result.bytes_copied += result.bytes_loaded;   // out of that buffer into the tensors of the dict
  }
  const at::IValue dict = Follow(std::move(root), request.key_path);
  if (!dict.isGenericDict()) throw Skipped("torch::pickle_load gives no dict at \"" + request.key_path + "\"");
  const auto items = dict.toGenericDict();
  std::vector<at::Tensor> sources;
  for (const PlannedTensor& planned : prepared.tensors) {
    const auto found = items.find(request.options.remove_prefix + planned.key);
    const auto plain = found == items.end() ? items.find(planned.key) : found;
    if (plain == items.end() || !plain->value().isTensor()) throw Skipped("torch::pickle_load gives no tensor " + planned.key);
    sources.push_back(plain->value().toTensor().view(planned.shape));
  }
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    prepared.tensors[i].target.copy_(sources[i]);
    result.bytes_copied += prepared.tensors[i].target.nbytes();
  }
  // LibTorch's reader compares no CRC-32: it takes a flipped byte for a weight.
  result.read.crc.assign(prepared.tensors.size(), CrcStatus::kOff);
  result.seconds.load = watch.Lap();
  return result;
}

}  // namespace loadpath
