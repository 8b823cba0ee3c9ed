#include "harness/results/fields.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/results/statistics.h"

namespace loadpath {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint8_t Bit(CaseKind kind) { return static_cast<std::uint8_t>(1U << static_cast<int>(kind)); }
constexpr std::uint8_t kNone = 0, kLoad = Bit(CaseKind::kLoad), kStartup = Bit(CaseKind::kStartup),
                       kForward = Bit(CaseKind::kForward), kLimit = Bit(CaseKind::kLimit),
                       kAll = kLoad | kStartup | kForward | kLimit;

// How each type of field is written and what its schema is. Value() returns null for what does not apply.
template <class Type>
struct Written;

template <NamedEnum Enum>
struct Written<Enum> {
  static Json Value(Enum value) { return Name(value); }
  static Json Schema() { return {{"enum", kNames<Enum>}}; }
};
template <NamedEnum Enum>
struct Written<std::optional<Enum>> {
  static Json Value(std::optional<Enum> value) { return value ? Json(Name(*value)) : Json(); }
  static Json Schema() { return Written<Enum>::Schema(); }
};
template <>
struct Written<Record::Text> {
  static Json Value(const std::string& value) { return value.empty() ? Json() : Json(value); }
  static Json Schema() { return {{"type", "string"}, {"minLength", 1}}; }
};
template <>
struct Written<Record::Device> {
  static Json Value(const Record::Device& value) { return value ? Json(value->text()) : Json(); }
  static Json Schema() { return {{"type", "string"}, {"pattern", "^(cpu|cuda(:[0-9]+)?)$"}}; }
};
template <>
struct Written<Record::Flag> {
  static Json Value(bool value) { return value ? Json(true) : Json(); }
  static Json Schema() { return {{"const", true}}; }
};
template <>
struct Written<Record::Count> {
  static Json Value(const Record::Count& value) { return value ? Json(*value) : Json(); }
  static Json Schema() { return {{"type", "integer"}, {"minimum", 0}}; }
};
template <>
struct Written<Record::Number> {
  static Json Value(const Record::Number& value) { return value && std::isfinite(*value) ? Json(*value) : Json(); }
  static Json Schema() { return {{"type", "number"}, {"minimum", 0}}; }
};
struct Time;
template <>
struct Written<Time> {
  static Json Schema() { return {{"type", "number"}, {"exclusiveMinimum", 0}}; }
};
template <>
struct Written<Record::Counts> {
  static Json Value(const Record::Counts& value) { return value.empty() ? Json() : Json(value); }
  static Json Schema() { return {{"type", "object"}, {"additionalProperties", Written<Record::Count>::Schema()}}; }
};
template <>
struct Written<Record::PerSample> {
  static Json Value(const std::vector<std::int64_t>& value) {
    return value.empty() ? Json() : Json(std::llround(Median(value)));
  }
  static Json Schema() { return Written<Record::Count>::Schema(); }
};
template <>
struct Written<Record::Phases> {
  static Json Value(const Record::Phases& value) {
    Json medians;
    for (const auto& [phase, samples] : value) medians[phase] = Written<Record::PerSample>::Value(samples);
    return medians;
  }
  static Json Schema() { return Written<Record::Counts>::Schema(); }
};
template <>
struct Written<Record::Samples> {
  static Json Value(const Record::Samples& value) { return value.empty() ? Json() : Json(value); }
  static Json Schema() {
    return {{"type", "array"}, {"minItems", 1}, {"items", {{"type", "integer"}, {"minimum", 1}}}};
  }
};

// Fields that are computed from others. A case without samples has none of them.
Json IfTimed(const Record& record, Json value) { return record.samples_ns.empty() ? Json() : std::move(value); }
Json FromOptional(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json RunName(const Record& record) { return IfTimed(record, record.name); }
Json RunType(const Record& record) { return IfTimed(record, "iteration"); }
Json RepetitionIndex(const Record& record) { return IfTimed(record, 0); }
Json Iterations(const Record& record) { return IfTimed(record, record.samples_ns.size()); }
Json MedianTime(const Record& record) { return IfTimed(record, Median(record.samples_ns)); }
Json TimeUnit(const Record& record) { return IfTimed(record, "ns"); }
Json P90Time(const Record& record) {
  return record.samples_ns.empty() ? Json() : FromOptional(Summarize(record.samples_ns).p90);
}
Json P99Time(const Record& record) {
  return record.samples_ns.empty() ? Json() : FromOptional(Summarize(record.samples_ns).p99);
}
Json BytesPerSecond(const Record& record) {
  const double median = Median(record.samples_ns);
  return record.bytes && median > 0 ? Json(static_cast<double>(*record.bytes) * 1e9 / median) : Json();
}

using Text = Record::Text;
using Count = Record::Count;
using Number = Record::Number;
template <class Type>
Json DerivedSchema() {
  return Written<Type>::Schema();
}
template <auto Member>
Json ValueOf(const Record& record) {
  return Written<std::remove_cvref_t<decltype(record.*Member)>>::Value(record.*Member);
}
template <auto Member>
Json SchemaOf() {
  return Written<std::remove_cvref_t<decltype(std::declval<Record>().*Member)>>::Schema();
}

}  // namespace

std::span<const ResultField> ResultFields() {
  static constexpr ResultField kFields[] = {
#define LOADPATH_FIELD(type, name, required, description) \
  {#name, description, required, SchemaOf<&Record::name>, ValueOf<&Record::name>},
#define LOADPATH_FIELD_AS(type, member, name, required, description) \
  {#name, description, required, SchemaOf<&Record::member>, ValueOf<&Record::member>},
#define LOADPATH_DERIVED(type, name, function, required, description) \
  {#name, description, required, DerivedSchema<type>, function},
#include "harness/results/fields.def"
#undef LOADPATH_FIELD
#undef LOADPATH_FIELD_AS
#undef LOADPATH_DERIVED
  };
  return kFields;
}

Json ToJson(const Record& record) {
  Json row = Json::object();
  for (const ResultField& field : ResultFields()) {
    if (Json value = field.value(record); !value.is_null()) row[std::string(field.name)] = std::move(value);
  }
  return row;
}

void WriteResults(TextOutput& file, const Context& context, std::span<const Record> records, const RunNotes& notes) {
  Json whole;
  whole["context"]["schema_version"] = kResultsSchemaVersion;
  for (const auto& [name, value] : context) whole["context"][name] = value;
  Json& caches = whole["context"]["caches"] = Json::array();
  for (const CpuCache& cache : notes.caches) {
    caches.push_back(
        {{"type", cache.type}, {"level", cache.level}, {"size", cache.size}, {"num_sharing", cache.num_sharing}});
  }
  if (notes.interrupted) whole["context"]["interrupted"] = true;
  if (!notes.warnings.empty()) whole["context"]["warnings"] = notes.warnings;
  whole["benchmarks"] = whole["not_timed"] = Json::array();
  for (const Record& record : records) {
    whole[record.status == Status::kOk ? "benchmarks" : "not_timed"].push_back(ToJson(record));
  }
  // Names and reasons may quote a file's own bytes.
  file.Write(whole.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace loadpath
