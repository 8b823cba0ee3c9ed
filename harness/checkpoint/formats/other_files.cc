#include "harness/checkpoint/formats/other_files.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace loadpath {
namespace {

struct Signature {
  std::string_view bytes;
  std::size_t offset;
  std::string_view sentence;
};

using namespace std::string_view_literals;

constexpr Signature kOthers[] = {
    {"version https://git-lfs.github.com/spec/"sv, 0,
     "is a git-lfs pointer, not the file itself: run `git lfs pull` in its repository"},
    {"\x1f\x8b"sv, 0, "is compressed with gzip: unpack it first"},
    {"7z\xbc\xaf\x27\x1c"sv, 0, "is a 7z archive: unpack it first"},
    {"BZh"sv, 0, "is compressed with bzip2: unpack it first"},
    {"\xfd"
     "7zXZ"sv,
     0, "is compressed with xz: unpack it first"},
    {"\x28\xb5\x2f\xfd"sv, 0, "is compressed with zstd: unpack it first"},
    {"PK\x05\x06"sv, 0, "is an empty zip archive"},
    {"Rar!\x1a\x07"sv, 0, "is a rar archive: unpack it first"},
    {"\x04\x22\x4d\x18"sv, 0, "is compressed with lz4: unpack it first"},
    {"\x89HDF\r\n\x1a\n"sv, 0, "is an HDF5 file (Keras weights?), not a PyTorch checkpoint"},
    {"GGUF"sv, 0, "is a GGUF file, not a PyTorch checkpoint"},
    {"\x93NUMPY"sv, 0, "is a NumPy array, not a PyTorch checkpoint"},
    {"TFL3"sv, 4, "is a TensorFlow Lite model, not a PyTorch checkpoint"},
    {"MATLAB 5.0 MAT-file"sv, 0, "is a MATLAB file, not a PyTorch checkpoint"},
    {"MZ"sv, 0, "is an executable or a library, not a checkpoint"},
    {"\x7f"
     "ELF"sv,
     0, "is an executable or a library, not a checkpoint"},
};

// The bytes of a tar archive's first header sum to the octal number at 148, with that field taken as blanks. (POSIX
// ustar has a magic word too, older archives do not.)
bool StartsLikeTar(std::string_view head) {
  if (head.size() < 512 || head[0] == '\0') return false;
  std::uint64_t sum = 0, written = 0;
  for (std::size_t i = 0; i < 512; ++i)
    sum += i >= 148 && i < 156 ? std::uint64_t{' '} : static_cast<unsigned char>(head[i]);
  bool digits = false;
  for (const char c : head.substr(148, 8)) {
    if (c >= '0' && c <= '7') {
      written = written * 8 + static_cast<std::uint64_t>(c - '0');
      digits = true;
    } else if (c != ' ' && c != '\0') {
      return false;
    }
  }
  return digits && sum == written;
}

// PyTorch 0.1's checkpoints were tar archives of these members.
bool IsOldCheckpoint(std::string_view head) {
  std::string_view name = head.substr(0, std::min<std::size_t>(head.find('\0'), 100));
  if (name.starts_with("./")) name.remove_prefix(2);
  return name == "sys_info" || name == "pickle" || name == "storages" || name == "tensors";
}

// ONNX's ModelProto begins with ir_version and producer_name; TensorFlow's SavedModel with its version and a long
// message.
std::string_view Protobuf(std::string_view head) {
  if (head.size() < 16 || head[0] != '\x08' || head[1] < 1 || head[1] > 32 || head[2] != '\x12') return {};
  const std::string_view producer = head.substr(4, static_cast<unsigned char>(head[3]));
  const bool text = head[3] > 0 && head[3] < 64 &&
                    std::all_of(producer.begin(), producer.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return text ? "is an ONNX model, not a PyTorch checkpoint" : "is a TensorFlow model, not a PyTorch checkpoint";
}

bool StartsLikePage(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  if (begin == std::string_view::npos) return false;
  std::string lower(text.substr(begin, 16));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower.starts_with("<!doctype") || lower.starts_with("<html") || lower.starts_with("<head") ||
         lower.starts_with("<?xml");
}

}  // namespace

void RefuseOtherFiles(const FileSource& file, std::string_view head) {
  for (const Signature& other : kOthers) {
    if (head.size() > other.offset && head.substr(other.offset).starts_with(other.bytes)) {
      file.Fail(ErrorCode::kUnknownFormat, other.sentence);
    }
  }
  if (StartsLikeTar(head)) {
    if (!IsOldCheckpoint(head)) file.Fail(ErrorCode::kUnknownFormat, "is a tar archive: unpack it first");
    file.Fail(ErrorCode::kUnsupported,
              "is a checkpoint of PyTorch 0.1, a tar archive, which PyTorch reads only with weights_only=False: if you "
              "trust it, load it with PyTorch and save it again");
  }
  if (const std::string_view sentence = Protobuf(head); !sentence.empty())
    file.Fail(ErrorCode::kUnknownFormat, sentence);
  if (StartsLikePage(head)) {
    file.Fail(ErrorCode::kUnknownFormat,
              "is a web page, not a checkpoint: download the file again, because the server gave an error or a login "
              "page");
  }
}

void RefuseUnknownFile(const FileSource& file, std::string_view head) {
  // Protocol 2 and later, or how protocols 0 and 1 begin a dict, a list and a named value.
  if (head[0] == '\x80' || head.starts_with("(dp") || head.starts_with("(lp") || head.starts_with("}q") ||
      head.starts_with("]q") || head.starts_with("ccollections\n")) {
    file.Fail(ErrorCode::kUnknownFormat,
              "is a pickle, but not one that torch.save wrote (Invalid magic number; corrupt file?): save it with "
              "torch.save");
  }
  file.Fail(ErrorCode::kUnknownFormat,
            "is not a checkpoint: it is neither a zip archive, an old torch.save file nor safetensors");
}

}  // namespace loadpath
