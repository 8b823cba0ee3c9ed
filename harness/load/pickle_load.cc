#include <ATen/core/Dict.h>
#include <sys/stat.h>
#include <torch/serialize.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "harness/checkpoint/dict_part.h"
#include "harness/load/libtorch_reader.h"

namespace loadpath {
namespace {

constexpr std::string_view kPickleLoad = "torch::pickle_load";

// Reads the file that was opened and planned for, even if another has its name by now.
std::vector<char> ReadWhole(const Checkpoint& checkpoint, LoadResult& result) {
  const auto fail = [&](const char* sentence) { throw CheckpointError(ErrorCode::kIo, checkpoint.path(), sentence); };
  const int fd = checkpoint.fd(0);
  struct stat status {};
  if (fstat(fd, &status) != 0) fail("has no size");
  std::vector<char> bytes(static_cast<std::size_t>(status.st_size));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t got = pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    ++*result.read_calls;
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail("cannot be read");
    done += static_cast<std::size_t>(got);
  }
  *result.bytes_read += bytes.size();
  return bytes;
}

// Only pass zip archives to torch::pickle_load: it searches backwards for the end of the archive's directory and, if a
// file below 64 KiB has none, reads on before its buffer (LibTorch 2.15, miniz.c, mz_zip_reader_locate_header_sig: a
// signed offset made unsigned).
void RequireDirectory(const std::vector<char>& bytes) {
  constexpr std::size_t kEndBytes = 22, kMaxComment = 65535;
  std::string_view tail(bytes.data(), bytes.size());
  tail.remove_prefix(tail.size() - std::min(tail.size(), kEndBytes + kMaxComment));
  const std::size_t end = tail.rfind("PK\5\6");
  if (end == std::string_view::npos || tail.size() - end < kEndBytes)
    throw Skipped(std::string(kPickleLoad) + " reads only zip archives");
}

at::IValue PickleLoad(const std::vector<char>& bytes) {
  try {
    return torch::pickle_load(bytes);
  } catch (const std::exception& error) {
    SkipAsRefused(kPickleLoad, error);
  }
}

// The longest prefix of the path that is a key wins, as in FollowKeyPath.
at::IValue Follow(at::IValue value, std::string_view path) {
  while (!path.empty()) {
    std::size_t length = path.size();
    for (;; length = path.rfind('.', length - 1)) {
      if (length == std::string_view::npos || length == 0)
        throw Skipped("torch::pickle_load returns no " + std::string(path));
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

LoadResult LoadByPickleLoad(const LoadRequest& request) {
  LoadResult result;
  const Prepared prepared = Prepare(request, "pickle_load", /*assign=*/false, result);
  RequireOneFile(kPickleLoad, request, *prepared.checkpoint);
  Stopwatch watch;
  at::IValue root;
  {
    const std::vector<char> bytes = ReadWhole(*prepared.checkpoint, result);
    RequireDirectory(bytes);
    root = PickleLoad(bytes);
  }
  const DictPart part = FindDictPart(*prepared.checkpoint, request.key_path);
  const at::IValue dict = Follow(std::move(root), part.path);
  if (!dict.isGenericDict()) throw Skipped("torch::pickle_load returns no dict at \"" + request.key_path + "\"");
  const auto items = dict.toGenericDict();
  CopyFound(
      kPickleLoad, prepared,
      [&](const std::string& key) -> std::optional<at::Tensor> {
        const auto found = items.find(key);
        return found == items.end() || !found->value().isTensor() ? std::nullopt
                                                                  : std::optional(found->value().toTensor());
      },
      result);
  result.seconds.load = watch.Lap();
  return result;
}

}  // namespace

const LoadPath pickle_load_path = {.name = "pickle_load",
                                   .summary = "torch::pickle_load, LibTorch's own, then copy (for comparison)",
                                   .limit = "pread-fresh",
                                   .load = LoadByPickleLoad,
                                   .input = LoadInput::kPlainDict,
                                   .libtorch_reader = kPickleLoad};

}  // namespace loadpath
