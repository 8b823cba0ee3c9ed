#include "harness/inspect/values_json.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "harness/inspect/json_text.h"

namespace loadpath {
namespace {

// Bytes that may be spent on paths and shared values, which are in the file once and in the output several times.
constexpr std::uint64_t kFreeRepeats = std::uint64_t{16} << 20;
constexpr std::uint64_t kRepeatsPerNode = 64;
constexpr std::size_t kShortText = 64;

class ValuesWriter {
 public:
  ValuesWriter(const Checkpoint& checkpoint, const TensorIndex& tensors)
      : checkpoint_(checkpoint),
        tree_(checkpoint.tree()),
        tensors_(tensors),
        seen_(tree_.size(), Seen::kNever),
        links_(tree_.size()),
        budget_(kFreeRepeats + kRepeatsPerNode * tree_.size()) {}

  ValuesJson Write(NodeId from) {
    from_ = from;
    ValuesJson json;
    Walk(from, json.values);
    std::string attributes = "[";
    std::size_t next = 0;
    while (next < owners_.size()) {  // Walk finds more
      const NodeId owner = owners_[next++];
      if (attributes.size() > 1) attributes += ',';
      attributes += "{\"path\":";
      AppendPath(owner, attributes);
      attributes += ",\"value\":";
      const NodeId value = tree_.attributes(owner);
      if (seen_[value] == Seen::kNever) links_[value] = {owner, kAttributes};
      Walk(value, attributes);
      attributes += '}';
    }
    json.attributes = attributes + "]";
    json.types = types_ + "]";
    return json;
  }

 private:
  enum class Seen : std::uint8_t { kNever, kOpen, kDone };
  enum class Form : std::uint8_t { kArray, kObject, kItems, kArguments };
  static constexpr std::uint32_t kAttributes = ~std::uint32_t{0};
  // The place at which a node was written first: item number `position` of `parent`.
  struct Link {
    NodeId parent = kNoNode;
    std::uint32_t position = 0;
  };
  struct Frame {
    NodeId node;
    Form form;
    bool first_time;
    bool state_written = false;
    bool wrote = false;
    std::uint32_t next = 0;
  };

  bool Spend(std::uint64_t bytes) {
    if (bytes > budget_) {
      budget_ = 0;
      return false;
    }
    budget_ -= bytes;
    return true;
  }

  bool HasLongText(NodeId id) const {
    switch (tree_.kind(id)) {
      case NodeKind::kString:
      case NodeKind::kBytes:
      case NodeKind::kByteArray:
      case NodeKind::kBigInt:
      case NodeKind::kName:
        return tree_.text(id).size() > kShortText;
      default:
        return false;
    }
  }

  // Appends one element per level, as in the tensors' paths. Costs budget; appends null if that is used up.
  void AppendPath(NodeId id, std::string& out) {
    std::vector<std::string> path;
    std::uint64_t cost = 0;
    for (NodeId node = id; node != from_ && links_[node].parent != kNoNode; node = links_[node].parent) {
      const auto [parent, position] = links_[node];
      path.push_back(position == kAttributes ? (tree_.HasState(parent) ? "state" : "$attributes")
                     : tree_.IsDict(parent)  ? tree_.KeyText(tree_.items(parent)[position])
                                             : std::to_string(position));
      cost += path.back().size() + 3;
      if (cost > budget_) break;
    }
    if (!Spend(cost)) {
      out += "null";
      return;
    }
    std::reverse(path.begin(), path.end());
    AppendJsonStrings(out, path);
  }

  void AppendReference(NodeId id, std::string& out) {
    out += "{\"$ref\":";
    AppendPath(id, out);
    out += '}';
  }

  void AppendScalar(NodeId id, std::string& out) const {
    const auto tagged = [&](std::string_view tag, const std::string& json) {
      out += "{\"$";
      out += tag;
      out += "\":" + json + "}";
    };
    const auto quoted = [](std::string_view text) {
      std::string json;
      AppendJsonString(json, text);
      return json;
    };
    switch (tree_.kind(id)) {
      case NodeKind::kBool:
        out += tree_.boolean(id) ? "true" : "false";
        break;
      case NodeKind::kInt:
        out += std::to_string(tree_.integer(id));
        break;
      case NodeKind::kFloat:
        AppendJsonFloat(out, tree_.real(id));
        break;
      case NodeKind::kString:
        AppendJsonString(out, tree_.text(id));
        break;
      case NodeKind::kBigInt:
        tagged("int", quoted(tree_.text(id)));
        break;
      case NodeKind::kBytes:
        tagged("bytes", quoted(Base64(tree_.text(id))));
        break;
      case NodeKind::kByteArray:
        tagged("bytearray", quoted(Base64(tree_.text(id))));
        break;
      case NodeKind::kName:
        tagged("name", quoted(tree_.text(id)));
        break;
      case NodeKind::kStorage:
        tagged("storage", quoted(checkpoint_.storages()[tree_.storage(id)].name));
        break;
      case NodeKind::kComplex: {
        std::string pair = "[";
        AppendJsonFloat(pair, tree_.real(id));
        pair += ',';
        AppendJsonFloat(pair, tree_.imag(id));
        tagged("complex", pair + "]");
        break;
      }
      case NodeKind::kTensor: {
        const auto found = tensors_.find(id);
        tagged("tensor", found == tensors_.end() ? "null" : std::to_string(found->second));
        break;
      }
      default:
        out += "null";
        break;
    }
  }

  static std::string_view KeyType(NodeKind kind) {
    switch (kind) {
      case NodeKind::kString:
        return "str";
      case NodeKind::kInt:
      case NodeKind::kBigInt:
        return "int";
      case NodeKind::kFloat:
        return "float";
      case NodeKind::kBool:
        return "bool";
      case NodeKind::kNone:
        return "NoneType";
      default:
        return {};
    }
  }

  // True if a dict can be a JSON object: its keys are scalars and distinct as text.
  bool IsObject(std::span<const NodeId> items) const {
    HashSet<std::string> others;
    HashSet<std::string_view> texts;
    for (std::size_t i = 0; i < items.size(); i += 2) {
      const NodeKind kind = tree_.kind(items[i]);
      if (KeyType(kind).empty()) return false;
      if (kind == NodeKind::kString ? !texts.insert(tree_.text(items[i])).second
                                    : !others.insert(tree_.KeyText(items[i])).second) {
        return false;
      }
    }
    return std::none_of(others.begin(), others.end(), [&](const std::string& other) { return texts.contains(other); });
  }

  bool LeftOut(NodeId value) const { return tree_.kind(value) == NodeKind::kTensor && tensors_.contains(value); }

  // Notes what the JSON of a container does not say about its Python type.
  void NoteType(NodeId id, Form form) {
    std::string_view type;
    switch (tree_.kind(id)) {
      case NodeKind::kTuple:
        type = "tuple";
        break;
      case NodeKind::kSize:
        type = "torch.Size";
        break;
      case NodeKind::kDict:
        type = tree_.class_name(id).empty() ? "dict" : tree_.class_name(id);
        break;
      case NodeKind::kList:
      case NodeKind::kSet:
        type = tree_.class_name(id);
        if (type.empty()) return;
        break;
      case NodeKind::kOrderedDict:
        type = "collections.OrderedDict";
        break;
      case NodeKind::kCounter:
        type = "collections.Counter";
        break;
      default:
        return;
    }
    std::string keys;
    if (form == Form::kObject) {
      const auto items = tree_.items(id);
      bool all_text = true, all_equal = true;
      std::string_view common;
      for (std::size_t i = 0; i < items.size(); i += 2) {
        if (LeftOut(items[i + 1])) continue;
        const std::string_view key = KeyType(tree_.kind(items[i]));
        all_text &= key == "str";
        all_equal &= common.empty() || key == common;
        common = key;
        keys += (keys.empty() ? "\"" : ",\"") + std::string(key) + "\"";
      }
      if (all_text) {
        keys.clear();
      } else if (all_equal) {
        keys = '"' + std::string(common) + '"';
      } else {
        keys = "[" + keys + "]";
      }
    }
    if (type == "dict" && keys.empty()) return;
    // A class has its name in the file once.
    if (!Spend(32 + keys.size() + type.size())) return;
    if (types_.size() > 1) types_ += ',';
    types_ += "{\"path\":";
    AppendPath(id, types_);
    types_ += ",\"type\":";
    AppendJsonString(types_, type);
    if (!keys.empty()) types_ += ",\"keys\":" + keys;
    types_ += '}';
  }

  void Open(NodeId id, std::string& out) {
    const bool first_time = seen_[id] == Seen::kNever;
    seen_[id] = Seen::kOpen;
    Form form = Form::kArray;
    switch (tree_.kind(id)) {
      case NodeKind::kSet:
        out += "{\"$set\":[";
        break;
      case NodeKind::kFrozenSet:
        out += "{\"$frozenset\":[";
        break;
      case NodeKind::kObject:
        form = Form::kArguments;
        out += "{\"$object\":";
        // A long name is in the file once, for all objects of the class.
        if (tree_.text(id).size() <= kShortText || Spend(tree_.text(id).size())) {
          AppendJsonString(out, tree_.text(id));
        } else {
          out += "null";
        }
        out += ",\"args\":[";
        break;
      case NodeKind::kDict:
      case NodeKind::kOrderedDict:
      case NodeKind::kCounter:
        form = IsObject(tree_.items(id)) ? Form::kObject : Form::kItems;
        out += form == Form::kObject ? "{" : "{\"$items\":[";
        break;
      default:
        out += '[';
        break;
    }
    if (first_time) {
      NoteType(id, form);
      if (form != Form::kArguments && tree_.attributes(id) != kNoNode) owners_.push_back(id);
    }
    frames_.push_back({id, form, first_time});
  }

  // Writes a scalar, or opens a container that Walk() then goes through.
  void Value(NodeId id, Link link, std::string& out) {
    const bool container = tree_.IsContainer(id);
    if (!container && !HasLongText(id)) {
      AppendScalar(id, out);
      return;
    }
    if (seen_[id] == Seen::kOpen ||
        (seen_[id] == Seen::kDone &&
         !Spend(kShortText + (container ? 16 * tree_.items(id).size() : 2 * tree_.text(id).size())))) {
      AppendReference(id, out);
      return;
    }
    if (seen_[id] == Seen::kNever && id != from_ && link.parent != kNoNode) links_[id] = link;
    if (container) {
      Open(id, out);
    } else {
      seen_[id] = Seen::kDone;
      AppendScalar(id, out);
    }
  }

  void ChargeKey(NodeId key, std::string_view text) {
    if (text.size() > kShortText && seen_[key] != Seen::kNever && !Spend(2 * text.size())) {
      throw CheckpointError(ErrorCode::kLimitExceeded, checkpoint_.path(),
                            "its long keys are shared so often that they cannot be written out");
    }
    seen_[key] = Seen::kDone;
  }

  void AppendKey(NodeId key, std::string& out) {
    const std::string text = tree_.KeyText(key);
    ChargeKey(key, text);
    AppendJsonString(out, text.starts_with('$') ? "$" + text : text);
  }

  void Step(std::string& out) {
    Frame& frame = frames_.back();
    const NodeId node = frame.node;
    const auto items = tree_.items(node);
    const bool dict = frame.form == Form::kObject || frame.form == Form::kItems;
    if (frame.next >= items.size()) {
      Close(frame, out);
      return;
    }
    const std::uint32_t at = frame.next;
    frame.next += dict ? 2 : 1;
    if (frame.form == Form::kObject && LeftOut(items[at + 1])) return;
    if (std::exchange(frame.wrote, true)) out += ',';
    if (frame.form == Form::kObject) {
      AppendKey(items[at], out);
      out += ':';
    } else if (frame.form == Form::kItems) {
      out += '[';
      AppendKeyValue(items[at], out);
      out += ',';
    }
    Value(items[dict ? at + 1 : at], {node, at}, out);
    CloseItem(out);
  }

  // Writes a key of a pair: a scalar as a value, anything else in Python's short form.
  void AppendKeyValue(NodeId key, std::string& out) {
    const std::string text = tree_.KeyText(key);
    ChargeKey(key, text);
    if (tree_.IsContainer(key)) {
      AppendJsonString(out, text);
    } else {
      AppendScalar(key, out);
    }
  }

  // Closes a [key, value] pair once its value is complete.
  void CloseItem(std::string& out) {
    if (!frames_.empty() && frames_.back().form == Form::kItems && frames_.back().wrote) out += ']';
  }

  void Close(Frame& frame, std::string& out) {
    const NodeId id = frame.node;
    if (frame.form == Form::kArguments) {
      if (!std::exchange(frame.state_written, true)) {
        out += ']';
        if (tree_.attributes(id) != kNoNode) {
          out += ",\"state\":";
          Value(tree_.attributes(id), {id, kAttributes}, out);
          return;
        }
      }
      out += '}';
    } else if (frame.form == Form::kObject) {
      out += '}';
    } else if (frame.form == Form::kItems) {
      out += "]}";
    } else {
      const NodeKind kind = tree_.kind(id);
      out += kind == NodeKind::kSet || kind == NodeKind::kFrozenSet ? "]}" : "]";
    }
    seen_[id] = Seen::kDone;
    frames_.pop_back();
    CloseItem(out);
  }

  void Walk(NodeId from, std::string& out) {
    Value(from, {}, out);
    while (!frames_.empty()) Step(out);
  }

  const Checkpoint& checkpoint_;
  const Tree& tree_;
  const TensorIndex& tensors_;
  NodeId from_ = kNoNode;
  std::vector<Seen> seen_;
  std::vector<Link> links_;
  std::uint64_t budget_;
  std::vector<Frame> frames_;
  std::vector<NodeId> owners_;
  std::string types_ = "[";
};

}  // namespace

TensorIndex IndexTensors(std::span<const TensorPath> tensors) {
  TensorIndex index;
  index.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) index.emplace(tensors[i].node, i);
  return index;
}

ValuesJson WriteValues(const Checkpoint& checkpoint, NodeId from, const TensorIndex& tensors) {
  return ValuesWriter(checkpoint, tensors).Write(from);
}

}  // namespace loadpath
