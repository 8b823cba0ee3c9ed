// Every file that the makers wrote, right and hostile, gives the same from memory as from its path: the same tree and
// bytes, or the same error.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>

#include "harness/base/sha256.h"
#include "harness/checkpoint/formats/formats.h"
#include "loadpath/checkpoint.h"

namespace loadpath {
namespace {

constexpr std::uint64_t kLarge = std::uint64_t{1} << 20;
constexpr std::size_t kText = 1 << 16;
constexpr std::size_t kMany = 500;  // tensors; a few files have hundreds of thousands

// A file's bytes, without reading them: some files are sparse and of several gigabytes.
class Mapped {
 public:
  explicit Mapped(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (fd < 0 || ::fstat(fd, &status) != 0) throw std::runtime_error("cannot open " + path);
    size_ = static_cast<std::size_t>(status.st_size);
    if (size_ > 0) address_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    ::close(fd);
    if (address_ == MAP_FAILED) throw std::runtime_error("cannot map " + path);
  }
  ~Mapped() {
    if (size_ > 0) ::munmap(address_, size_);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(address_), size_}; }

  // At most `most` bytes a call.
  ByteReader Reader(std::size_t most) const {
    return {.size = size_, .read = [bytes = bytes(), most](std::uint64_t offset, std::span<std::byte> dst) {
              if (offset > bytes.size()) return std::size_t{0};
              const std::size_t count = std::min({dst.size(), most, bytes.size() - static_cast<std::size_t>(offset)});
              std::memcpy(dst.data(), bytes.data() + offset, count);
              return count;
            }};
  }

 private:
  void* address_ = nullptr;
  std::size_t size_ = 0;
};

// The ends of what is too large to be read whole.
void AddBytes(const Checkpoint& checkpoint, StorageId id, int threads, std::string& text) {
  const std::uint64_t nbytes = checkpoint.storages()[id].nbytes, part = std::min(nbytes, kLarge);
  std::vector<std::byte> bytes(part);
  for (const std::uint64_t begin : {std::uint64_t{0}, nbytes - part}) {
    const ReadJob job{id, begin, bytes};
    const ReadReport report = checkpoint.Read({&job, 1}, {.threads = threads});
    text += Sha256(bytes) + " " + std::string(Name(report.crc[0])) + " " + std::to_string(report.bytes_read) + " " +
            std::to_string(report.bytes_copied) + "\n";
  }
}

// Everything that a checkpoint says, or what is wrong with it.
template <typename Open>
std::string Outcome(const Open& open) {
  std::string text;
  try {
    const std::shared_ptr<const Checkpoint> checkpoint = open();
    const Tree& tree = checkpoint->tree();
    text += std::string(checkpoint->format()) + " " + std::string(checkpoint->byteorder()) + " " + checkpoint->path() +
            " " + std::to_string(checkpoint->open_report().bytes_read) + "\n";
    for (const std::string& warning : checkpoint->warnings()) text += warning + "\n";
    tree.Walk(tree.root(), [&](const std::vector<std::string>& place, NodeId node) {
      for (const std::string& element : place) text += "/" + element;
      text += " " + tree.ShortText(node) + "\n";
      return text.size() < kText;
    });
    std::vector<TensorPath> tensors = ListTensors(tree, tree.root());
    if (tensors.size() > kMany) tensors.resize(kMany);
    for (const TensorPath& place : tensors) {
      const TensorView& view = tree.tensor(place.node);
      if (view.nbytes() < kLarge) text += Sha256(ReadTensor(*checkpoint, view)) + "\n";
    }
    for (StorageId id = 0; id < std::min(checkpoint->storages().size(), kMany); ++id) {
      AddBytes(*checkpoint, id, static_cast<int>(1 + id % 2), text);
      const std::optional<Extent> extent = checkpoint->Locate(id);
      EXPECT_TRUE(checkpoint->InFiles() || !extent);
    }
  } catch (const CheckpointError& error) {
    text += "error " + std::to_string(static_cast<int>(error.code())) + " " + error.sentence() + " | " +
            error.record() + " | " + std::to_string(error.offset()) + " | " + error.advice() + " | " + error.file();
  }
  return text;
}

std::vector<std::string> AllFiles() {
  std::vector<std::string> files;
  for (const char* folder : {LOADPATH_CORPUS, LOADPATH_ARCHIVES, LOADPATH_HOSTILE, LOADPATH_HOSTILE_ARCHIVES,
                             LOADPATH_EXTREMES, LOADPATH_SEVERAL, LOADPATH_SEVERAL_HOSTILE}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) files.push_back(entry.path().string());
    }
  }
  std::ranges::sort(files);
  return files;
}

bool ListsOtherFiles(const std::string& path) {
  try {
    return RecogniseFormat(RegularFile(path)).open_file == nullptr;
  } catch (const CheckpointError&) {
    return false;
  }
}

TEST(FromMemory, EveryFileGivesTheSameAsFromItsPath) {
  std::size_t read = 0, refused = 0, listing = 0;
  for (const std::string& path : AllFiles()) {
    SCOPED_TRACE(path);
    const Mapped file(path);
    const OpenOptions options{.opaque = path.find("whole") != std::string::npos};
    const auto span = [&] { return Checkpoint::FromMemory(file.bytes(), path, options); };
    if (ListsOtherFiles(path)) {
      EXPECT_THAT(
          Outcome(span),
          testing::MatchesRegex("error 9 lists other files \\(format (sharded|dcp)\\), which are found only beside "
                                "a file \\|  \\| 18446744073709551615 \\| open it by its path \\| .*"));
      ++listing;
      continue;
    }
    const std::string wanted = Outcome([&] { return Checkpoint::Open(path, options); });
    (wanted.find("error ") == std::string::npos ? read : refused) += 1;
    EXPECT_EQ(Outcome(span), wanted);
    if (file.bytes().size() > kLarge / 4) continue;
    for (const std::size_t most : {~std::size_t{0}, std::size_t{4099}})
      EXPECT_EQ(Outcome([&] { return Checkpoint::FromMemory(file.Reader(most), path, options); }), wanted);
  }
  EXPECT_GE(read, 100u);
  EXPECT_GE(refused, 300u);
  EXPECT_GE(listing, 10u);
}

// Bytes that change between two reads are no worse than other damage: an error of ours, or other values.
TEST(FromMemory, BytesThatChangeBetweenReadsAreHarmless) {
  std::size_t changed = 0;
  for (const std::string& path : AllFiles()) {
    const Mapped file(path);
    if (file.bytes().size() > 64 << 10 || path.find("/hostile") != std::string::npos || ListsOtherFiles(path)) continue;
    for (unsigned seed = 0; seed < 8; ++seed) {
      auto random = std::make_shared<std::minstd_rand>(seed);
      ByteReader reader = file.Reader(~std::size_t{0});
      reader.one_at_a_time = true;
      reader.read = [random, &changed, whole = reader.read](std::uint64_t offset, std::span<std::byte> dst) {
        const std::size_t got = whole(offset, dst);
        for (unsigned flips = (*random)() % 4; flips > 0 && got > 0; --flips, ++changed)
          dst[(*random)() % got] ^= std::byte{static_cast<unsigned char>(1u << (*random)() % 8)};
        return got;
      };
      Outcome([&] { return Checkpoint::FromMemory(reader, path, {.opaque = seed % 2 == 0}); });
    }
  }
  EXPECT_GE(changed, 1000u);
}

}  // namespace
}  // namespace loadpath
