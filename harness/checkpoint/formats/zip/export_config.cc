#include "harness/checkpoint/formats/zip/export_config.h"

#include <nlohmann/json.hpp>

#include "harness/base/keyed_hash.h"
#include "harness/base/utf8.h"
#include "harness/checkpoint/limits.h"

namespace loadpath {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kStrided = 7;  // schema.Layout.Strided

// schema.ScalarType.
constexpr std::pair<std::int64_t, Dtype> kDtypes[] = {
    {1, Dtype::kUint8},           {2, Dtype::kInt8},
    {3, Dtype::kInt16},           {4, Dtype::kInt32},
    {5, Dtype::kInt64},           {6, Dtype::kFloat16},
    {7, Dtype::kFloat32},         {8, Dtype::kFloat64},
    {9, Dtype::kComplex32},       {10, Dtype::kComplex64},
    {11, Dtype::kComplex128},     {12, Dtype::kBool},
    {13, Dtype::kBfloat16},       {28, Dtype::kUint16},
    {29, Dtype::kFloat8E4m3fn},   {30, Dtype::kFloat8E5m2},
    {31, Dtype::kFloat8E4m3fnuz}, {32, Dtype::kFloat8E5m2fnuz},
    {33, Dtype::kFloat8E8m0fnu},  {34, Dtype::kUint32},
    {35, Dtype::kUint64},
};

// Reads the keys alone, because the plain parser would keep one of two equal keys without a word. (As a callback of
// that parser this would take quadratic time: at the end of each object it searches the object around it.)
class KeyReader : public nlohmann::json_sax<Json> {
 public:
  KeyReader(std::string_view listed, std::vector<std::string>& order) : listed_(listed), order_(order) {}
  std::string problem;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return Enter(); }
  bool start_array(std::size_t) override { return Enter(); }
  bool end_object() override { return Leave(); }
  bool end_array() override { return Leave(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  bool key(string_t& value) override {
    const std::size_t depth = names_.size();
    if (!names_.back().insert(value).second) {
      problem = "names " + value + " twice in its list of weights";
      return false;
    }
    if (depth == 1) member_ = value;
    if (listed_.empty() ? depth == 1 : depth == 2 && member_ == listed_) order_.push_back(value);
    return true;
  }

 private:
  bool Enter() {
    if (names_.size() == limits::kConfigDepth) {
      problem = "has a list of weights that is nested too deep";
      return false;
    }
    names_.emplace_back();
    return true;
  }
  bool Leave() {
    names_.pop_back();
    return true;
  }

  const std::string_view listed_;
  std::vector<std::string>& order_;
  std::string member_;
  std::vector<HashSet<std::string>> names_;  // of the objects that are open; lists have none
};

class ConfigReader {
 public:
  ConfigReader(const FileSource& source, std::string_view record) : source_(source), record_(record) {}

  // `order` gets the keys of the object that `listed` names (of the root, if it is empty) in the file's order, which
  // Json does not keep. (ordered_json keeps it, but takes quadratic time.)
  Json Parse(std::string_view text, std::string_view listed, std::vector<std::string>& order) const {
    if (!IsUtf8(text)) Bad("has a list of weights that is not UTF-8");
    KeyReader keys(listed, order);
    const bool right = Json::sax_parse(text, &keys);
    if (!keys.problem.empty()) Bad(keys.problem);
    Json json = right ? Json::parse(text, nullptr, false) : Json(Json::value_t::discarded);
    // The parser takes a NUL byte for the end of its text and does not read on.
    if (json.is_discarded() || !json.is_object() || text.find('\0') != std::string_view::npos)
      Bad("has a list of weights that is not a JSON object");
    return json;
  }

  const Json& Member(const Json& object, const char* name) const {
    if (!object.is_object() || !object.contains(name))
      Bad("has a list of weights that lacks \"" + std::string(name) + "\"");
    return object[name];
  }

  std::string Text(const Json& value, const char* name) const {
    if (!value.is_string()) Bad("has a list of weights whose \"" + std::string(name) + "\" is not a text");
    return value.get<std::string>();
  }

  bool Bool(const Json& value, const char* name) const {
    if (!value.is_boolean()) Bad("has a list of weights whose \"" + std::string(name) + "\" is not a bool");
    return value.get<bool>();
  }

  std::int64_t Integer(const Json& value, const char* name) const {
    if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX)) {
      Bad("has a list of weights whose \"" + std::string(name) + "\" is not an integer");
    }
    return value.get<std::int64_t>();
  }

  // {"as_int": 3}, or {"as_expr": …} where the size was symbolic.
  std::int64_t SymInt(const Json& value, const char* name) const {
    if (value.is_object() && value.size() == 1 && value.contains("as_expr")) {
      source_.Fail(ErrorCode::kUnsupported,
                   "has a weight whose \"" + std::string(name) + "\" is symbolic, not a number", record_);
    }
    if (!value.is_object() || value.size() != 1)
      Bad("has a list of weights whose \"" + std::string(name) + "\" is not an integer");
    return Integer(Member(value, "as_int"), name);
  }

  template <typename One>
  std::vector<std::int64_t> List(const Json& value, const char* name, const One& one) const {
    if (!value.is_array()) Bad("has a list of weights whose \"" + std::string(name) + "\" is not a list");
    if (value.size() > limits::kDimensions) Bad("has a tensor of more than 64 dimensions");
    std::vector<std::int64_t> list;
    for (const Json& item : value) list.push_back(one(item, name));
    return list;
  }

  [[noreturn]] void Bad(const std::string& sentence) const { source_.Fail(ErrorCode::kBadArchive, sentence, record_); }

  void Meta(const Json& meta, Payload& payload) const {
    const auto symbolic = [&](const Json& value, const char* name) { return SymInt(value, name); };
    const std::int64_t number = Integer(Member(meta, "dtype"), "dtype");
    for (const auto& [known, dtype] : kDtypes) {
      if (known == number) payload.dtype = dtype;
    }
    if (!payload.dtype) Bad("has a weight of the unknown dtype " + std::to_string(number) + ": " + payload.name);
    if (Integer(Member(meta, "layout"), "layout") != kStrided) {
      source_.Fail(ErrorCode::kUnsupported, "has a weight that is not dense: " + payload.name, record_);
    }
    payload.shape = List(Member(meta, "sizes"), "sizes", symbolic);
    payload.stride = List(Member(meta, "strides"), "strides", symbolic);
    payload.storage_offset = SymInt(Member(meta, "storage_offset"), "storage_offset");
    payload.requires_grad = Bool(Member(meta, "requires_grad"), "requires_grad");
    payload.has_view = true;
  }

 private:
  const FileSource& source_;
  std::string_view record_;
};

}  // namespace

std::vector<Payload> ParsePayloadConfig(const FileSource& source, std::string_view record, std::string_view json) {
  const ConfigReader reader(source, record);
  std::vector<std::string> names;
  const Json root = reader.Parse(json, "config", names);
  const Json& config = reader.Member(root, "config");
  if (!config.is_object()) reader.Bad("has a list of weights whose \"config\" is not an object");
  std::vector<Payload> payloads;
  for (const std::string& name : names) {
    const Json& entry = config[name];
    Payload payload;
    payload.name = name;
    payload.record = reader.Text(reader.Member(entry, "path_name"), "path_name");
    payload.parameter = reader.Bool(reader.Member(entry, "is_param"), "is_param");
    payload.pickled = reader.Bool(reader.Member(entry, "use_pickle"), "use_pickle");
    if (!payload.pickled) reader.Meta(reader.Member(entry, "tensor_meta"), payload);
    payloads.push_back(std::move(payload));
  }
  return payloads;
}

std::vector<Payload> ParseInductorConfig(const FileSource& source, std::string_view record, std::string_view json) {
  const ConfigReader reader(source, record);
  const auto plain = [&](const Json& value, const char* name) { return reader.Integer(value, name); };
  std::vector<Payload> payloads;
  std::vector<std::string> names;
  const Json root = reader.Parse(json, {}, names);
  for (const std::string& name : names) {
    const Json& entry = root[name];
    if (!entry.is_array() || entry.size() != 4)
      reader.Bad("has a list of weights whose entry is not [file, shape, stride, offset]");
    Payload payload;
    payload.name = name;
    payload.record = reader.Text(entry[0], "file");
    payload.pickled = payload.has_view = true;
    payload.shape = reader.List(entry[1], "shape", plain);
    payload.stride = reader.List(entry[2], "stride", plain);
    payload.storage_offset = reader.Integer(entry[3], "offset");
    payloads.push_back(std::move(payload));
  }
  return payloads;
}

}  // namespace loadpath
