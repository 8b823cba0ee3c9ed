#include "bench/ckpt/inspect.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "bench/ckpt/print.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "harness/inspect/digest.h"
#include "harness/inspect/json_text.h"
#include "harness/inspect/value_lines.h"
#include "harness/inspect/values_json.h"

namespace loadpath::ckpt {
namespace {

constexpr std::size_t kMostValueLines = 200;

std::string Json(const InspectOptions& options, const Checkpoint& checkpoint, std::span<const TensorPath> tensors,
                 std::span<const std::string> digests) {
  std::string out = "{\"file\":";
  AppendJsonString(out, options.file);
  out += ",\"format\":";
  AppendJsonString(out, checkpoint.format());
  out += ",\"byteorder\":";
  AppendJsonString(out, checkpoint.byteorder());
  out += ",\"tensors\":[";
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorView& tensor = checkpoint.tree().tensor(tensors[i].node);
    if (i) out += ',';
    out += "\n{\"path\":";
    AppendJsonStrings(out, tensors[i].path);
    out += ",\"dtype\":";
    AppendJsonString(out, Name(tensor.dtype));
    out += ",\"shape\":";
    AppendJsonNumbers(out, tensor.shape);
    out += ",\"stride\":";
    AppendJsonNumbers(out, tensor.stride);
    out += ",\"storage\":";
    AppendJsonString(out, checkpoint.storages()[tensor.storage].name);
    out += ",\"storage_offset\":" + std::to_string(tensor.storage_offset);
    out += ",\"nbytes\":" + std::to_string(tensor.nbytes());
    if (tensor.parameter) out += ",\"parameter\":true";
    if (tensor.conj) out += ",\"conj\":true";
    if (tensor.neg) out += ",\"neg\":true";
    if (!digests.empty()) out += ",\"sha256\":\"" + digests[i] + '"';
    out += '}';
  }
  const ValuesJson values = WriteValues(checkpoint, checkpoint.tree().root(), IndexTensors(tensors));
  out += "],\n\"values\":" + values.values + ",\n\"types\":" + values.types + ",\n\"attributes\":" + values.attributes;
  if (!checkpoint.warnings().empty()) {
    out += ",\n\"warnings\":";
    AppendJsonStrings(out, std::vector<std::string>(checkpoint.warnings().begin(), checkpoint.warnings().end()));
  }
  return out + "}\n";
}

std::string Notes(const Checkpoint& checkpoint, const TensorView& tensor, std::span<const std::uint32_t> users) {
  std::string notes;
  const auto add = [&](const std::string& note) { notes += (notes.empty() ? "" : ", ") + note; };
  if (tensor.parameter) add("parameter");
  if (!tensor.IsContiguous()) add("stride " + Brackets(tensor.stride));
  if (tensor.conj) add("conjugated");
  if (tensor.neg) add("negated");
  const Storage& storage = checkpoint.storages()[tensor.storage];
  if (users[tensor.storage] > 1) {
    add("shares storage " + Escaped(storage.name) + " at " + std::to_string(tensor.storage_offset));
  } else if (tensor.nbytes() < storage.nbytes && tensor.numel() > 0) {
    add("part of a storage of " + HumanBytes(storage.nbytes));
  }
  return notes;
}

// What stands beside the root's values, as a module's class does; the module versions that every state dict has do not
// count.
std::size_t CountAttributes(const Tree& tree) {
  const NodeId attributes = tree.attributes(tree.root());
  if (attributes == kNoNode || !tree.IsDict(attributes)) return 0;
  return tree.items(attributes).size() / 2 - (tree.Find(attributes, "_metadata") == kNoNode ? 0 : 1);
}

std::string Text(const InspectOptions& options, const Checkpoint& checkpoint, std::span<const TensorPath> tensors,
                 std::span<const std::string> digests) {
  const Tree& tree = checkpoint.tree();
  std::vector<std::uint32_t> users(checkpoint.storages().size(), 0);
  std::uint64_t elements = 0, tensor_bytes = 0, storage_bytes = 0;
  for (const TensorPath& place : tensors) {
    const TensorView& tensor = tree.tensor(place.node);
    ++users[tensor.storage];
    elements += static_cast<std::uint64_t>(tensor.numel());
    tensor_bytes += tensor.nbytes();
  }
  for (const Storage& storage : checkpoint.storages()) storage_bytes += storage.nbytes;

  const ValueLines values = ListValues(tree, tree.root(), kMostValueLines, Detail::kShort);

  std::string out;
  Table summary({Align::kLeft, Align::kLeft});
  summary.Add({"file", Escaped(options.file)});
  summary.Add({"format", std::string(checkpoint.format()) + ", " + std::string(checkpoint.byteorder()) + "-endian"});
  summary.Add({"tensors",
               std::to_string(tensors.size()) + ", " + Counted(elements, "element") + ", " + HumanBytes(tensor_bytes)});
  summary.Add({"storages", std::to_string(checkpoint.storages().size()) + ", " + HumanBytes(storage_bytes)});
  summary.Add(
      {"values", values.lines.empty() ? "none beside the tensors" : std::to_string(CountValues(tree, tree.root()))});
  if (const std::size_t count = CountAttributes(tree); count > 0)
    summary.Add({"attributes", std::to_string(count) + " (--json shows them)"});
  for (const std::string& warning : checkpoint.warnings()) summary.Add({"warning", Escaped(warning)});
  summary.AppendTo(out);

  Table table({Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight, Align::kLeft, Align::kLeft});
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorView& tensor = tree.tensor(tensors[i].node);
    std::string path = DottedPath(tensors[i].path);
    table.Add({path.empty() ? "(the file itself)" : std::move(path), std::string(Name(tensor.dtype)),
               Brackets(tensor.shape), HumanBytes(tensor.nbytes()), digests.empty() ? "" : digests[i],
               Notes(checkpoint, tensor, users)});
  }
  if (!table.empty()) {
    out += "\ntensors\n";
    table.AppendTo(out, "  ");
  }
  if (!values.lines.empty()) {
    out += "\nvalues\n";
    AppendValueLines(out, values);
  }
  return out;
}

}  // namespace

std::string Inspect(const InspectOptions& options) {
  if (options.digest) PrepareSha256();
  const auto checkpoint = Checkpoint::Open(options.file, options.open);
  if (options.print) return PrintKey(*checkpoint, *options.print, options.crc);
  const std::vector<TensorPath> tensors = ListTensors(checkpoint->tree(), checkpoint->tree().root());
  std::vector<std::string> digests;
  if (options.digest) digests = DigestTensors(*checkpoint, tensors, options.crc);
  return options.json ? Json(options, *checkpoint, tensors, digests) : Text(options, *checkpoint, tensors, digests);
}

}  // namespace loadpath::ckpt
