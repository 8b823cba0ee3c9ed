#include "harness/save/convert.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string_view>

#include "harness/base/keyed_hash.h"
#include "harness/base/new_file.h"
#include "harness/base/paths.h"
#include "harness/base/sha256.h"
#include "harness/base/stopwatch.h"
#include "harness/base/text.h"
#include "harness/inspect/digest.h"
#include "harness/save/state_dict_tensors.h"

namespace loadpath {
namespace {

std::vector<SafetensorsEntry> Entries(const Checkpoint& checkpoint, std::span<const TensorPath> tensors) {
  std::vector<SafetensorsEntry> entries;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorView& view = checkpoint.tree().tensor(tensors[i].node);
    if (!SafetensorsName(view.dtype)) {
      throw CheckpointError(ErrorCode::kUnsupported, checkpoint.path(),
                            "safetensors has no dtype for " + Escaped(tensors[i].path[0]) + ", which is " +
                                std::string(Name(view.dtype)));
    }
    entries.push_back({tensors[i].path[0], view.dtype, view.shape, view.nbytes(), i});
  }
  return entries;
}

std::string Header(const Checkpoint& checkpoint, std::vector<SafetensorsEntry>& entries,
                   const StateDictTensors& source) {
  try {
    return LayOut(entries, source.metadata);
  } catch (const std::invalid_argument& error) {
    throw CheckpointError(ErrorCode::kUnsupported, checkpoint.path(), error.what());
  }
}

// Adds to the metadata which tensor each one that is not written is, as safetensors.torch.save_model does.
void NameAliases(const Checkpoint& checkpoint, StateDictTensors& source, std::span<const Alias> aliases) {
  HashSet<std::string> taken;
  for (const auto& [key, value] : source.metadata) taken.insert(key);
  for (const Alias& alias : aliases) {
    if (alias.written) continue;
    if (taken.contains(alias.name)) {
      throw CheckpointError(ErrorCode::kUnsupported, checkpoint.path(),
                            "cannot name the tensor " + Escaped(alias.name) +
                                " in __metadata__, which has another value under that name; write it with --aliases "
                                "apart");
    }
    source.metadata.emplace_back(alias.name, alias.of);
  }
}

// Writes the tensors and returns their digests, in the order of `entries`.
std::vector<std::string> Write(const Checkpoint& checkpoint, std::span<const TensorPath> tensors,
                               std::span<const SafetensorsEntry> entries, const NewFile& file, CrcMode crc) {
  std::vector<std::uint64_t> sizes;
  for (const SafetensorsEntry& entry : entries) sizes.push_back(entry.nbytes);
  // A tensor under many names is written as often: the disk is the limit of that.
  const std::vector<std::size_t> first = FirstOfEqualViews(checkpoint.tree(), tensors);
  std::vector<TensorPath> views;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (first[i] == i) views.push_back({{}, tensors[i].node});
  }
  LimitViews(checkpoint, views);
  std::vector<std::string> digests(entries.size());
  ForEachLargestFirst(sizes, [&](std::size_t i) {
    const std::vector<std::byte> bytes =
        ReadTensor(checkpoint, checkpoint.tree().tensor(tensors[entries[i].source].node), {.threads = 1, .crc = crc});
    file.WriteAt(entries[i].offset, bytes);
    digests[i] = Sha256(bytes);
  });
  return digests;
}

}  // namespace

void RequireWritten(const std::string& output, const Checkpoint& written, std::span<const SafetensorsEntry> entries,
                    std::span<const std::string> digests) {
  const std::vector<TensorPath> tensors = ListTensors(written.tree(), written.tree().root());
  const std::vector<std::string> found = DigestTensors(written, tensors, CrcMode::kOff);
  bool equal = tensors.size() == entries.size();
  for (std::size_t i = 0; equal && i < entries.size(); ++i) {
    const TensorView& view = written.tree().tensor(tensors[i].node);
    equal = tensors[i].path[0] == entries[i].name && view.dtype == entries[i].dtype && view.shape == entries[i].shape &&
            found[i] == digests[i];
  }
  if (!equal) {
    throw CheckpointError(ErrorCode::kIo, output,
                          "was not written: the tensors read back from it are not those written");
  }
}

Conversion ConvertToSafetensors(const FileAndKey& from, const std::string& output, const ConvertOptions& options) {
  Stopwatch watch;
  PrepareSha256();
  const auto checkpoint = Checkpoint::Open(from.file, options.open);
  RefuseToOverwrite(output, FilesOf(*checkpoint), "the checkpoint itself");
  std::error_code absent;
  if (IsFolder(from.file) && std::filesystem::equivalent(FolderOf(output) + ".", from.file, absent)) {
    throw CheckpointError(ErrorCode::kIo, output,
                          "lies in the folder of the checkpoint, which would then hold two; name a file elsewhere");
  }
  StateDictTensors source = TakeStateDict(*checkpoint, from, options.rules);
  // transformers refuses a file without it.
  if (std::ranges::find(source.metadata, "format", &std::pair<std::string, std::string>::first) ==
      source.metadata.end())
    source.metadata.emplace(source.metadata.begin(), "format", "pt");

  Conversion done{from, std::string(checkpoint->format()), output, 0, 0, {}, {}, 0};
  done.aliases = FindAliases(checkpoint->tree(), source.tensors, options.aliases);
  done.left_out = std::move(source.left_out);
  NameAliases(*checkpoint, source, done.aliases);
  HashSet<std::string_view> unwritten;
  for (const Alias& alias : done.aliases) {
    if (!alias.written) unwritten.insert(alias.name);
  }
  std::erase_if(source.tensors, [&](const TensorPath& place) { return unwritten.contains(place.path[0]); });

  std::vector<SafetensorsEntry> entries = Entries(*checkpoint, source.tensors);
  const std::string header = Header(*checkpoint, entries, source);
  NewFile file(output);
  file.WriteAt(0, header);
  const std::vector<std::string> digests = Write(*checkpoint, source.tensors, entries, file, options.crc);
  RequireWritten(output, *Checkpoint::Open(file.ReadablePath()), entries, digests);
  file.Commit();
  done.tensors = entries.size();
  for (const SafetensorsEntry& entry : entries) done.bytes += entry.nbytes;
  done.seconds = watch.Lap();
  return done;
}

}  // namespace loadpath
