#ifndef LOADPATH_TESTS_CHECKPOINT_DAMAGE_H_
#define LOADPATH_TESTS_CHECKPOINT_DAMAGE_H_

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "harness/base/sha256.h"
#include "loadpath/checkpoint.h"
#include "tests/checkpoint/memory_file.h"

namespace loadpath {

// Everything that a file says: format, values as text, every tensor's bytes.
inline std::string Describe(const std::string& path, bool opaque = false) {
  const std::shared_ptr<const Checkpoint> checkpoint = Checkpoint::Open(path, {.opaque = opaque});
  const Tree& tree = checkpoint->tree();
  std::string text(checkpoint->format());
  text += "\n";
  tree.Walk(tree.root(), [&](const std::vector<std::string>& place, NodeId node) {
    for (const std::string& element : place) text += "/" + element;
    text += " " + tree.ShortText(node) + "\n";
    if (tree.kind(node) == NodeKind::kTensor) text += Sha256(ReadTensor(*checkpoint, tree.tensor(node))) + "\n";
    return true;
  });
  std::vector<std::byte> whole;
  for (StorageId id = 0; id < checkpoint->storages().size(); ++id) {
    whole.resize(checkpoint->storages()[id].nbytes);
    const ReadJob job{id, 0, whole};
    checkpoint->Read({&job, 1});
    text += Sha256(whole) + "\n";
  }
  return text;
}

inline std::string BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void ExpectEveryPrefixRefused(const std::string& path, bool opaque = false) {
  const MemoryFile file;
  const std::string bytes = BytesOf(path);
  ASSERT_FALSE(bytes.empty());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    file.Write(std::string_view(bytes).substr(0, size));
    EXPECT_THROW(Describe(file.path(), opaque), CheckpointError) << size;
  }
  file.Write(bytes);
  EXPECT_EQ(Describe(file.path(), opaque), Describe(path, opaque));
}

// A zip file holds a checksum of everything: a changed byte is found, or changes nothing. The other formats have none.
inline void ExpectEveryChangeFoundOrHarmless(const std::string& path, bool opaque = false) {
  const MemoryFile file;
  const std::string bytes = BytesOf(path), right = Describe(path, opaque);
  const bool checked = bytes.starts_with("PK");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const char flip : {'\x01', '\x10', '\x80', '\xff'}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      file.Write(changed);
      try {
        const std::string text = Describe(file.path(), opaque);
        if (checked) {
          EXPECT_EQ(text, right) << "byte " << i << " ^ " << int{flip};
        }
      } catch (const CheckpointError&) {
      }
    }
  }
}

}  // namespace loadpath

#endif  // LOADPATH_TESTS_CHECKPOINT_DAMAGE_H_
