#include "harness/checkpoint/formats/sharded/index.h"

#include <nlohmann/json.hpp>

#include "harness/base/error.h"
#include "harness/base/keyed_hash.h"
#include "harness/base/paths.h"
#include "harness/checkpoint/limits.h"

namespace loadpath {
namespace {

using Json = nlohmann::json;

class IndexReader : public nlohmann::json_sax<Json> {
 public:
  explicit IndexReader(Heap& heap) : heap_(heap) {}

  ShardIndex index;
  bool has_weight_map = false;
  std::string problem;

  bool null() override { return Take({}, "null"); }
  bool boolean(bool value) override { return Take({Value::Tag::kBool, value ? 1u : 0u}, "a bool"); }
  bool number_integer(number_integer_t value) override { return Take(heap_.Int(value), "a number"); }
  bool number_float(number_float_t value, const string_t&) override { return Take(heap_.Float(value), "a number"); }
  bool binary(binary_t&) override { return Bad("has binary data in its index"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (value <= static_cast<number_unsigned_t>(INT64_MAX))
      return Take(heap_.Int(static_cast<std::int64_t>(value)), "a number");
    heap_.owned.push_back(std::to_string(value));
    return Take({Value::Tag::kBigInt, heap_.owned.size() - 1}, "a number");
  }

  bool string(string_t& value) override {
    if (!in_weight_map_) return Take(heap_.OwnedText(value), "a text");
    if (!StaysInside(value) || value.find('/') != std::string::npos) {
      return Bad("maps tensor " + key_ + " to " + Shown(value) +
                 ", which is not the plain name of a file in the same folder");
    }
    const auto [shard, added] = shards_.emplace(value, static_cast<std::uint32_t>(index.shards.size()));
    if (added) index.shards.push_back(value);
    index.tensors.emplace_back(key_, shard->second);
    return true;
  }

  bool start_object(std::size_t) override {
    if (!started_) {
      started_ = true;
      return true;
    }
    if (in_weight_map_) return BadShard("an object");
    if (open_.empty() && key_ == "weight_map") {
      in_weight_map_ = has_weight_map = true;
      Empty(names_);
      return true;
    }
    return Open(NodeKind::kDict);
  }

  bool end_object() override {
    if (in_weight_map_) {
      in_weight_map_ = false;
    } else if (!open_.empty()) {
      open_.pop_back();
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (!started_) return Bad("is a JSON list, not an index of shards");
    return in_weight_map_ ? BadShard("a list") : Open(NodeKind::kList);
  }

  bool end_array() override {
    open_.pop_back();
    return true;
  }

  bool key(string_t& value) override {
    HashSet<std::string>& names = in_weight_map_ ? names_ : open_.empty() ? members_ : open_.back().names;
    if (!names.insert(value).second)
      return Bad("names " + Shown(value) + " twice in " +
                 (in_weight_map_ ? "its weight_map" : "one object of its index"));
    key_ = value;
    if (!in_weight_map_ && open_.empty() && value != "metadata" && value != "weight_map") {
      // People pass config.json and its like by mistake.
      return Bad(has_weight_map ? "has an unknown member in its index: " + Shown(value)
                                : "is a JSON file, but not the index of a sharded checkpoint: it has " + Shown(value) +
                                      " instead of metadata and weight_map");
    }
    if (!in_weight_map_ && !open_.empty()) Items().push_back(heap_.OwnedText(value));
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return Bad("has an index that is not JSON at byte " + std::to_string(position));
  }

 private:
  struct Level {
    Value value;
    HashSet<std::string> names;
  };

  bool Bad(std::string sentence) {
    if (problem.empty()) problem = std::move(sentence);
    return false;
  }
  bool BadShard(const char* what) {
    return Bad("maps tensor " + Shown(key_) + " to " + what + " instead of the name of a shard");
  }
  bool BadMember(const char* what) {
    return Bad((key_ == "metadata" ? "has metadata that is " : "has a weight_map that is ") + std::string(what));
  }
  static std::string Shown(const std::string& text) {
    return text.size() <= 200 ? "\"" + text + "\"" : "a name of " + Counted(text.size(), "byte");
  }

  std::vector<Value>& Items() { return heap_.lists[heap_.object(open_.back().value).begin]; }

  // A value of metadata.
  bool Take(Value value, const char* what) {
    if (!started_) return Bad("is not an index of shards");
    if (in_weight_map_) return BadShard(what);
    if (!open_.empty()) {
      Items().push_back(value);
    } else if (key_ != "metadata") {
      return BadMember(what);
    } else if (value.Is(Value::Tag::kNone) || value.Is(Value::Tag::kObject)) {
      index.metadata = value;
    } else {
      return BadMember(what);
    }
    return true;
  }

  bool Open(NodeKind kind) {
    if (open_.size() >= limits::kJsonDepth) return Bad("has an index that is nested too deep");
    if (open_.empty() && kind == NodeKind::kList) return BadMember("a list");
    const Value value = heap_.Growing(kind);
    if (!Take(value, "an object")) return false;
    open_.push_back({value, {}});
    return true;
  }

  Heap& heap_;
  bool started_ = false, in_weight_map_ = false;
  std::string key_;
  std::vector<Level> open_;  // objects and lists of metadata, itself first
  HashSet<std::string> members_, names_;
  HashMap<std::string, std::uint32_t> shards_;
};

}  // namespace

ShardIndex ReadShardIndex(const FileSource& source, Heap& heap) {
  if (source.size() > limits::kIndexBytes)
    source.Fail(ErrorCode::kLimitExceeded, "has an index of more than 100,000,000 bytes");
  std::string text(source.size(), '\0');
  source.ReadAt(0, std::as_writable_bytes(std::span(text)));
  IndexReader reader(heap);
  if (!Json::sax_parse(text, &reader) && reader.problem.empty()) reader.problem = "has an index that is not JSON";
  // The parser takes a NUL byte for the end of its text and does not read on.
  if (const std::size_t nul = text.find('\0'); reader.problem.empty() && nul != std::string::npos) {
    reader.problem = "has an index that is not JSON at byte " + std::to_string(nul + 1);
  }
  if (reader.problem.empty() && !reader.has_weight_map)
    reader.problem = "is a JSON file without a weight_map, not the index of a sharded checkpoint";
  if (!reader.problem.empty()) source.Fail(ErrorCode::kBadArchive, reader.problem);
  return std::move(reader.index);
}

}  // namespace loadpath
