#include "bench/ckpt/convert.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <stdexcept>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "harness/base/new_file.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "harness/checkpoint/check_view.h"
#include "harness/checkpoint/formats/safetensors/header.h"
#include "harness/inspect/digest.h"
#include "harness/inspect/json_text.h"

namespace loadpath::ckpt {
namespace {

constexpr std::size_t kMostNamed = 8;

struct Alias {
  std::string name, of;
  bool equal = false;  ///< the same view, not only some of the same bytes
  bool written = true;
};

struct Source {
  std::shared_ptr<const Checkpoint> checkpoint;
  std::vector<TensorPath> tensors;  ///< with one-element paths: their names
  std::vector<std::string> left_out;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<Alias> aliases;
};

[[noreturn]] void Refuse(const ConvertOptions& options, const std::string& sentence) {
  throw UsageError("ckpt: " + Escaped(options.file) + ": " + sentence);
}

// The key paths of the dicts that hold tensors themselves, as far as a person would read them.
std::string WhereStateDictsLie(const Tree& tree, NodeId from, const std::string& key) {
  std::vector<std::string> places;
  std::size_t count = 0;
  tree.Walk(from, [&](const std::vector<std::string>& path, NodeId node) {
    if (!tree.IsDict(node)) return true;
    const std::span<const NodeId> items = tree.items(node);
    for (std::size_t i = 1; i < items.size(); i += 2) {
      if (tree.kind(items[i]) != NodeKind::kTensor) continue;
      if (++count <= kMostNamed) places.push_back((key.empty() ? "" : Escaped(key) + ".") + DottedPath(path));
      return false;
    }
    return true;
  });
  std::string text;
  for (const std::string& place : places) text += (text.empty() ? "--key " : " or --key ") + place;
  return count > kMostNamed ? text + " or " + std::to_string(count - kMostNamed) + " more" : text;
}

// Tensors are written, plain values are left out and named. What would lose tensors is refused.
void TakeStateDict(const ConvertOptions& options, Source& source) {
  const Tree& tree = source.checkpoint->tree();
  const NodeId dict = FollowKeyPath(*source.checkpoint, options.key);
  const std::string where = options.key.empty() ? "at its top level" : "under " + Escaped(options.key);
  if (!tree.IsDict(dict)) Refuse(options, "has no state dict " + where + ", but " + Escaped(tree.ShortText(dict)));
  const std::span<const NodeId> items = tree.items(dict);
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    const std::string name = tree.KeyText(items[i]);
    if (tree.kind(items[i + 1]) != NodeKind::kTensor) {
      source.left_out.push_back(name);
      continue;
    }
    if (tree.kind(items[i]) != NodeKind::kString)
      Refuse(options, "has a tensor " + where + " whose key is no text: " + Escaped(name));
    source.tensors.push_back({{name}, items[i + 1]});
  }
  for (std::size_t i = 1; i < items.size(); i += 2) {
    if (tree.kind(items[i]) == NodeKind::kTensor || ListTensors(tree, items[i]).empty()) continue;
    const std::string places = WhereStateDictsLie(tree, dict, options.key);
    Refuse(options, (source.tensors.empty() ? "has no tensor of its own " : "has more tensors below those ") + where +
                        (places.empty() ? ": what a safetensors file holds is one dict of tensors"
                                        : "; one state dict is written at a time: " + places));
  }
  const NodeId attributes = tree.attributes(dict);
  if (attributes == kNoNode || !tree.IsDict(attributes)) return;
  if (tree.Find(attributes, "_metadata") != kNoNode) source.left_out.emplace_back("_metadata");
  const NodeId metadata = tree.Find(attributes, "__metadata__");
  if (metadata == kNoNode || !tree.IsDict(metadata)) return;
  const std::span<const NodeId> pairs = tree.items(metadata);
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2)
    source.metadata.emplace_back(tree.text(pairs[i]), tree.text(pairs[i + 1]));
}

// Per storage, in the order of their first bytes: a tensor shares bytes with the one that reaches farthest before it.
// Of equal views the first by name is the one that is kept, as in safetensors.torch.save_model.
void FindAliases(Source& source, bool once) {
  const Tree& tree = source.checkpoint->tree();
  const auto view_of = [&](const TensorPath& place) -> const TensorView& { return tree.tensor(place.node); };
  std::vector<TensorPath> places;
  std::ranges::copy_if(source.tensors, std::back_inserter(places),
                       [&](const TensorPath& place) { return view_of(place).numel() > 0; });
  std::ranges::sort(places, {}, [&](const TensorPath& place) {
    return std::make_tuple(view_of(place).storage, ReachOf(view_of(place)), std::string_view(place.path[0]));
  });
  const std::vector<std::size_t> same = FirstOfEqualViews(tree, places);
  std::unordered_map<std::string_view, Alias> found;
  std::size_t farthest = 0;
  for (std::size_t i = 1; i < places.size(); ++i) {
    const TensorView &view = view_of(places[i]), &before = view_of(places[farthest]);
    const auto [begin, end] = ReachOf(view);
    const std::uint64_t reached = view.storage == before.storage ? ReachOf(before).end : 0;
    if (begin < reached) {
      const bool equal = same[i] != i;
      const std::string& name = places[i].path[0];
      found.emplace(name, Alias{name, places[equal ? same[i] : farthest].path[0], equal, !(once && equal)});
    }
    if (end > reached) farthest = i;
  }
  for (const TensorPath& place : source.tensors) {
    if (const auto alias = found.find(place.path[0]); alias != found.end()) source.aliases.push_back(alias->second);
  }
  for (const Alias& alias : source.aliases) {
    if (!alias.written) source.metadata.emplace_back(alias.name, alias.of);
  }
  std::erase_if(source.tensors, [&](const TensorPath& place) {
    const auto alias = found.find(place.path[0]);
    return alias != found.end() && !alias->second.written;
  });
}

bool SameFile(const std::string& path, int fd) {
  struct stat a {
  }, b{};
  return ::stat(path.c_str(), &a) == 0 && ::fstat(fd, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

std::string Text(const ConvertOptions& options, const Source& source, std::uint64_t bytes, double seconds) {
  std::string out;
  Table table({Align::kLeft, Align::kLeft});
  table.Add({"file", Escaped(options.file) + ", " + std::string(source.checkpoint->format())});
  table.Add({"output", Escaped(options.output)});
  table.Add({"tensors", std::to_string(source.tensors.size()) + ", " + HumanBytes(bytes) +
                            ", each read back from the output and equal"});
  for (std::size_t i = 0; i < std::min(source.aliases.size(), kMostNamed); ++i) {
    const Alias& alias = source.aliases[i];
    table.Add({i == 0 ? "aliases" : "", Escaped(alias.name) + (alias.equal ? " is " : " shares bytes with ") +
                                            Escaped(alias.of) +
                                            (alias.written ? ", written apart" : ", left out, named in __metadata__")});
  }
  if (source.aliases.size() > kMostNamed)
    table.Add({"", "and " + std::to_string(source.aliases.size() - kMostNamed) + " more (--json lists them)"});
  std::string left;
  for (std::size_t i = 0; i < std::min(source.left_out.size(), kMostNamed); ++i)
    left += (i == 0 ? "" : ", ") + Escaped(source.left_out[i]);
  if (source.left_out.size() > kMostNamed)
    left += " and " + std::to_string(source.left_out.size() - kMostNamed) + " more (--json lists them)";
  if (!left.empty()) table.Add({"left out", left + ": no tensors"});
  char time[32];
  std::snprintf(time, sizeof time, "%.2f", seconds);
  table.Add({"seconds", time});
  table.AppendTo(out);
  return out;
}

std::string Json(const ConvertOptions& options, const Source& source, std::uint64_t bytes, double seconds) {
  std::string out;
  JsonMembers members(out);
  members.Text("file", options.file)
      .Text("format", source.checkpoint->format())
      .Text("key", options.key)
      .Text("output", options.output);
  members.Integer("tensors", source.tensors.size()).Integer("bytes", bytes).Name("aliases");
  AppendJsonObjects(out, source.aliases, [](JsonMembers& one, const Alias& alias) {
    one.Text("name", alias.name).Text("of", alias.of).Bool("equal", alias.equal).Bool("written", alias.written);
  });
  members.Texts("left_out", source.left_out).Float("seconds", seconds).Close();
  return out + "\n";
}

// Writes the tensors and returns their digests, beside `entries`.
std::vector<std::string> Write(const ConvertOptions& options, const Source& source,
                               std::span<const SafetensorsEntry> entries, const NewFile& file) {
  const Tree& tree = source.checkpoint->tree();
  std::vector<std::uint64_t> sizes;
  for (const SafetensorsEntry& entry : entries) sizes.push_back(entry.nbytes);
  std::vector<std::string> digests(entries.size());
  const ReadOptions read = {.threads = 1, .crc = options.crc};
  ForEachLargestFirst(sizes, [&](std::size_t i) {
    const std::vector<std::byte> bytes =
        ReadTensor(*source.checkpoint, tree.tensor(source.tensors[entries[i].source].node), read);
    file.WriteAt(entries[i].offset, bytes);
    digests[i] = Sha256(bytes);
  });
  return digests;
}

void ReadBack(const ConvertOptions& options, const NewFile& file, std::span<const SafetensorsEntry> entries,
              std::span<const std::string> digests) {
  const auto written = Checkpoint::Open(file.ReadablePath());
  const std::vector<TensorPath> tensors = ListTensors(written->tree(), written->tree().root());
  const std::vector<std::string> found = DigestTensors(*written, tensors, CrcMode::kOff);
  bool equal = tensors.size() == entries.size();
  // Both stand in the order of the file.
  for (std::size_t i = 0; equal && i < entries.size(); ++i) {
    const TensorView& view = written->tree().tensor(tensors[i].node);
    equal = tensors[i].path[0] == entries[i].name && view.dtype == entries[i].dtype && view.shape == entries[i].shape &&
            found[i] == digests[i];
  }
  if (!equal)
    throw CheckpointError(ErrorCode::kIo, options.output,
                          "was not written: what was read back is not what was to be written");
}

}  // namespace

std::string Convert(const ConvertOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  PrepareSha256();
  Source source;
  source.checkpoint = Checkpoint::Open(options.file, options.open);
  for (std::uint32_t i = 0; i < source.checkpoint->file_count(); ++i) {
    if (SameFile(options.output, source.checkpoint->fd(i)))
      throw UsageError("ckpt: " + Escaped(options.output) + ": is the checkpoint itself; name another file to write");
  }
  source.metadata.emplace_back("format", "pt");  // what transformers asks for
  TakeStateDict(options, source);
  if (std::ranges::count(source.metadata, "format", &std::pair<std::string, std::string>::first) > 1)
    source.metadata.erase(source.metadata.begin());
  FindAliases(source, options.aliases == "once");

  const Tree& tree = source.checkpoint->tree();
  std::vector<SafetensorsEntry> entries;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < source.tensors.size(); ++i) {
    const TensorView& view = tree.tensor(source.tensors[i].node);
    if (!SafetensorsName(view.dtype)) {
      Refuse(options, "safetensors has no dtype for " + Escaped(source.tensors[i].path[0]) + ", which is " +
                          std::string(Name(view.dtype)));
    }
    entries.push_back({source.tensors[i].path[0], view.dtype, view.shape, view.nbytes(), i});
    bytes += view.nbytes();
  }
  std::string header;
  try {
    header = LayOut(entries, source.metadata);
  } catch (const std::invalid_argument& error) {
    Refuse(options, Escaped(error.what()));
  }
  NewFile file(options.output);
  file.WriteAt(0, header);
  const std::vector<std::string> digests = Write(options, source, entries, file);
  ReadBack(options, file, entries, digests);
  file.Commit();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return options.json ? Json(options, source, bytes, seconds) : Text(options, source, bytes, seconds);
}

}  // namespace loadpath::ckpt
