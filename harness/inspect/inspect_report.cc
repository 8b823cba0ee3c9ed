#include "harness/inspect/inspect_report.h"

#include <utility>

#include "harness/base/error.h"
#include "harness/base/keyed_hash.h"
#include "harness/base/text.h"
#include "harness/inspect/digest.h"
#include "harness/inspect/json_text.h"
#include "harness/inspect/sharing.h"
#include "harness/inspect/value_lines.h"
#include "harness/inspect/values_json.h"

namespace loadpath {
namespace {

constexpr std::size_t kMostValueLines = 200;

void AppendTensorJson(std::string& out, const Inspection& inspection, std::size_t i) {
  const Checkpoint& checkpoint = *inspection.checkpoint;
  const TensorView& tensor = checkpoint.tree().tensor(inspection.tensors[i].node);
  out += "\n{\"path\":";
  AppendJsonStrings(out, inspection.tensors[i].path);
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
  if (!inspection.digests.empty()) out += ",\"sha256\":\"" + inspection.digests[i] + '"';
  out += '}';
}

std::string Notes(const Inspection& inspection, const Sharing& sharing, std::size_t i) {
  const TensorView& tensor = inspection.checkpoint->tree().tensor(inspection.tensors[i].node);
  std::string notes;
  const auto add = [&](const std::string& note) { notes += (notes.empty() ? "" : ", ") + note; };
  if (tensor.parameter) add("parameter");
  if (!tensor.IsContiguous()) add("stride " + Brackets(tensor.stride));
  if (tensor.conj) add("conjugated");
  if (tensor.neg) add("negated");
  const std::uint64_t storage_bytes = inspection.checkpoint->storages()[tensor.storage].nbytes;
  if (const std::string shares = sharing.Sentence(i); !shares.empty()) {
    add(shares);
  } else if (tensor.nbytes() < storage_bytes && tensor.numel() > 0) {
    add("part of a storage of " + HumanBytes(storage_bytes));
  }
  return notes;
}

std::string Summary(const Inspection& inspection, bool has_values) {
  const Checkpoint& checkpoint = *inspection.checkpoint;
  const Tree& tree = checkpoint.tree();
  std::uint64_t elements = 0, tensor_bytes = 0, storage_bytes = 0;
  for (const TensorPath& place : inspection.tensors) {
    const TensorView& tensor = tree.tensor(place.node);
    elements += static_cast<std::uint64_t>(tensor.numel());
    tensor_bytes += tensor.nbytes();
  }
  // Those of the file, or of the tensors below the key.
  HashSet<StorageId> storages;
  for (const TensorPath& place : inspection.tensors) storages.insert(tree.tensor(place.node).storage);
  for (StorageId id = 0; id < checkpoint.storages().size(); ++id) {
    if (inspection.name.key.empty()) storages.insert(id);
    if (storages.contains(id)) storage_bytes += checkpoint.storages()[id].nbytes;
  }
  Table summary({Align::kLeft, Align::kLeft});
  summary.Add({"file", Escaped(inspection.name.file)});
  if (!inspection.name.key.empty()) summary.Add({"key", Escaped(inspection.name.key)});
  summary.Add({"format", std::string(checkpoint.format()) + ", " + std::string(checkpoint.byteorder()) + "-endian"});
  summary.Add({"tensors", std::to_string(inspection.tensors.size()) + ", " + Counted(elements, "element") + ", " +
                              HumanBytes(tensor_bytes)});
  summary.Add({"storages", std::to_string(storages.size()) + ", " + HumanBytes(storage_bytes)});
  summary.Add({"values", has_values ? std::to_string(CountValues(tree, inspection.root)) : "none beside the tensors"});
  for (const std::string& warning : checkpoint.warnings()) summary.Add({"warning", Escaped(warning)});
  std::string out;
  summary.AppendTo(out);
  return out;
}

void AppendTensors(std::string& out, const Inspection& inspection) {
  const Tree& tree = inspection.checkpoint->tree();
  const Sharing sharing(tree, inspection.tensors);
  Table table({Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight, Align::kLeft, Align::kLeft});
  for (std::size_t i = 0; i < inspection.tensors.size(); ++i) {
    const TensorView& tensor = tree.tensor(inspection.tensors[i].node);
    std::string path = DottedPath(inspection.tensors[i].path);
    if (path.empty() && !inspection.tensors[i].path.empty()) path = "''";  // the empty key
    if (path.empty()) path = inspection.name.key.empty() ? "(the file itself)" : Escaped(inspection.name.key);
    table.Add({std::move(path), std::string(Name(tensor.dtype)), Brackets(tensor.shape), HumanBytes(tensor.nbytes()),
               inspection.digests.empty() ? "" : inspection.digests[i], Notes(inspection, sharing, i)});
  }
  if (table.empty()) return;
  out += "\ntensors\n";
  table.AppendTo(out, "  ");
}

}  // namespace

Inspection Inspect(const FileAndKey& name, std::shared_ptr<const Checkpoint> checkpoint, bool digest, CrcMode crc) {
  const NodeId root = FollowKeyPath(*checkpoint, name.key);
  Inspection inspection{name, std::move(checkpoint), root, {}, {}};
  inspection.tensors = ListTensors(inspection.checkpoint->tree(), root);
  if (digest) inspection.digests = DigestTensors(*inspection.checkpoint, inspection.tensors, crc);
  return inspection;
}

std::string InspectJson(const Inspection& inspection) {
  const Checkpoint& checkpoint = *inspection.checkpoint;
  ReportJson head = {
      {"file", inspection.name.file}, {"format", checkpoint.format()}, {"byteorder", checkpoint.byteorder()}};
  if (!inspection.name.key.empty()) head["key"] = inspection.name.key;
  std::string out = JsonLine(head);
  out.erase(out.rfind('}'));
  out += ",\"tensors\":[";
  for (std::size_t i = 0; i < inspection.tensors.size(); ++i) {
    if (i) out += ',';
    AppendTensorJson(out, inspection, i);
  }
  const ValuesJson values = WriteValues(checkpoint, inspection.root, IndexTensors(inspection.tensors));
  out += "],\n\"values\":" + values.values + ",\n\"types\":" + values.types + ",\n\"attributes\":" + values.attributes;
  if (!checkpoint.warnings().empty()) {
    out += ",\n\"warnings\":";
    AppendJsonStrings(out, checkpoint.warnings());
  }
  return out + "}\n";
}

std::string InspectText(const Inspection& inspection) {
  const Tree& tree = inspection.checkpoint->tree();
  const ValueLines values = ListValues(tree, inspection.root, kMostValueLines, Detail::kShort);
  std::string out = Summary(inspection, !values.lines.empty());
  AppendTensors(out, inspection);
  const auto section = [&](const char* title, const ValueLines& lines) {
    if (lines.lines.empty()) return;
    out += std::string("\n") + title + "\n";
    AppendValueLines(out, lines);
  };
  section("values", values);
  section("attributes", ListAttributes(tree, inspection.root, kMostValueLines));
  return out;
}

}  // namespace loadpath
