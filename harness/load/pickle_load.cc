#include <ATen/core/Dict.h>
#include <torch/serialize.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "harness/load/libtorch_reader.h"

namespace loadpath {
namespace {

constexpr std::string_view kReader = "torch::pickle_load";

// The file that was opened and planned for, whatever has its name by now.
std::vector<char> ReadWhole(const Checkpoint& checkpoint) {
  std::ifstream stream("/proc/self/fd/" + std::to_string(checkpoint.fd(0)), std::ios::binary | std::ios::ate);
  if (!stream) throw CheckpointError(ErrorCode::kIo, checkpoint.path(), "cannot be opened");
  std::vector<char> bytes(static_cast<std::size_t>(stream.tellg()));
  stream.seekg(0);
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    throw CheckpointError(ErrorCode::kIo, checkpoint.path(), "cannot be read");
  }
  return bytes;
}

// LibTorch 2.15 looks for the end of a zip archive's directory backwards and, where a file below 64 KiB has none, on
// into the memory before its buffer (miniz.c, mz_zip_reader_locate_header_sig: a signed offset made unsigned).
void RequireDirectory(const std::vector<char>& bytes) {
  constexpr std::size_t kEndBytes = 22, kMaxComment = 65535;
  std::string_view tail(bytes.data(), bytes.size());
  tail.remove_prefix(tail.size() - std::min(tail.size(), kEndBytes + kMaxComment));
  const std::size_t end = tail.rfind("PK\5\6");
  if (end == std::string_view::npos || tail.size() - end < kEndBytes)
    throw Skipped(std::string(kReader) + " reads zip archives alone");
}

at::IValue PickleLoad(const std::vector<char>& bytes) {
  try {
    return torch::pickle_load(bytes);
  } catch (const std::exception& error) {
    Refuses(kReader, error);
  }
}

// The longest prefix of the path that is a key wins, as in FollowKeyPath.
at::IValue Follow(at::IValue value, std::string_view path) {
  while (!path.empty()) {
    std::size_t length = path.size();
    for (;; length = path.rfind('.', length - 1)) {
      if (length == std::string_view::npos || length == 0)
        throw Skipped("torch::pickle_load gives no " + std::string(path));
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
  LoadResult result;
  const Prepared prepared = Prepare(request, /*assign=*/false, result);
  RequireOneFile(kReader, request, *prepared.checkpoint);
  Stopwatch watch;
  at::IValue root;
  {
    const std::vector<char> bytes = ReadWhole(*prepared.checkpoint);
    result.read.bytes_read += bytes.size();
    ++result.read.read_calls;
    RequireDirectory(bytes);
    root = PickleLoad(bytes);
    result.bytes_copied += result.bytes_loaded;  // out of that buffer into the tensors of the dict
  }
  const at::IValue dict = Follow(std::move(root), request.key_path);
  if (!dict.isGenericDict()) throw Skipped("torch::pickle_load gives no dict at \"" + request.key_path + "\"");
  const auto items = dict.toGenericDict();
  CopyFound(
      kReader, request, prepared,
      [&](const std::string& key) -> std::optional<at::Tensor> {
        const auto found = items.find(key);
        return found == items.end() || !found->value().isTensor() ? std::nullopt
                                                                  : std::optional(found->value().toTensor());
      },
      result);
  result.seconds.load = watch.Lap();
  return result;
}

}  // namespace loadpath
