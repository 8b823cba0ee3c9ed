#include "harness/results/fields.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/results/statistics.h"

namespace loadpath {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::uint8_t Bit(CaseKind kind) { return static_cast<std::uint8_t>(1U << static_cast<int>(kind)); }
constexpr std::uint8_t kNone = 0, kLoad = Bit(CaseKind::kLoad), kStartup = Bit(CaseKind::kStartup),
                       kForward = Bit(CaseKind::kForward), kLimit = Bit(CaseKind::kLimit),
                       kAll = kLoad | kStartup | kForward | kLimit;

// How each type of field is written and what its schema is. Value() returns null for what does not apply.
template <class Type>
struct Written;

template <NamedEnum Enum>
struct Written<Enum> {
  static OrderedJson Value(Enum value) { return Name(value); }
  static OrderedJson Schema() { return {{"enum", kNames<Enum>}}; }
};
template <NamedEnum Enum>
struct Written<std::optional<Enum>> {
  static OrderedJson Value(std::optional<Enum> value) { return value ? OrderedJson(Name(*value)) : OrderedJson(); }
  static OrderedJson Schema() { return Written<Enum>::Schema(); }
};
template <>
struct Written<Record::Text> {
  static OrderedJson Value(const std::string& value) { return value.empty() ? OrderedJson() : OrderedJson(value); }
  static OrderedJson Schema() { return {{"type", "string"}, {"minLength", 1}}; }
};
template <>
struct Written<Record::Device> {
  static OrderedJson Value(const Record::Device& value) { return value ? OrderedJson(value->text()) : OrderedJson(); }
  static OrderedJson Schema() { return {{"type", "string"}, {"pattern", "^(cpu|cuda(:[0-9]+)?)$"}}; }
};
template <>
struct Written<Record::Flag> {
  static OrderedJson Value(bool value) { return value ? OrderedJson(true) : OrderedJson(); }
  static OrderedJson Schema() { return {{"const", true}}; }
};
template <>
struct Written<Record::Count> {
  static OrderedJson Value(const Record::Count& value) { return value ? OrderedJson(*value) : OrderedJson(); }
  static OrderedJson Schema() { return {{"type", "integer"}, {"minimum", 0}}; }
};
template <>
struct Written<Record::Number> {
  static OrderedJson Value(const Record::Number& value) {
    return value && std::isfinite(*value) ? OrderedJson(*value) : OrderedJson();
  }
  static OrderedJson Schema() { return {{"type", "number"}, {"minimum", 0}}; }
};
struct Time;
template <>
struct Written<Time> {
  static OrderedJson Schema() { return {{"type", "number"}, {"exclusiveMinimum", 0}}; }
};
template <>
struct Written<Record::Counts> {
  static OrderedJson Value(const Record::Counts& value) { return value.empty() ? OrderedJson() : OrderedJson(value); }
  static OrderedJson Schema() {
    return {{"type", "object"}, {"additionalProperties", Written<Record::Count>::Schema()}};
  }
};
template <>
struct Written<Record::PerSample> {
  static OrderedJson Value(const std::vector<std::int64_t>& value) {
    return value.empty() ? OrderedJson() : OrderedJson(std::llround(Median(value)));
  }
  static OrderedJson Schema() { return Written<Record::Count>::Schema(); }
};
template <>
struct Written<Record::Phases> {
  static OrderedJson Value(const Record::Phases& value) {
    OrderedJson medians;
    for (const auto& [phase, samples] : value) medians[phase] = Written<Record::PerSample>::Value(samples);
    return medians;
  }
  static OrderedJson Schema() { return Written<Record::Counts>::Schema(); }
};
template <>
struct Written<Record::Samples> {
  static OrderedJson Value(const Record::Samples& value) { return value.empty() ? OrderedJson() : OrderedJson(value); }
  static OrderedJson Schema() {
    return {{"type", "array"}, {"minItems", 1}, {"items", {{"type", "integer"}, {"minimum", 1}}}};
  }
};

// Fields that are computed from others. A case without samples has none of them.
OrderedJson IfTimed(const Record& record, OrderedJson value) {
  return record.samples_ns.empty() ? OrderedJson() : std::move(value);
}
OrderedJson FromOptional(const std::optional<double>& value) { return value ? OrderedJson(*value) : OrderedJson(); }

OrderedJson RunName(const Record& record) { return IfTimed(record, record.name); }
OrderedJson RunType(const Record& record) { return IfTimed(record, "iteration"); }
OrderedJson RepetitionIndex(const Record& record) { return IfTimed(record, 0); }
OrderedJson Iterations(const Record& record) { return IfTimed(record, record.samples_ns.size()); }
OrderedJson MedianTime(const Record& record) { return IfTimed(record, Median(record.samples_ns)); }
OrderedJson TimeUnit(const Record& record) { return IfTimed(record, "ns"); }
OrderedJson P90Time(const Record& record) {
  return record.samples_ns.empty() ? OrderedJson() : FromOptional(Summarize(record.samples_ns).p90);
}
OrderedJson P99Time(const Record& record) {
  return record.samples_ns.empty() ? OrderedJson() : FromOptional(Summarize(record.samples_ns).p99);
}
OrderedJson BytesPerSecond(const Record& record) {
  const double median = Median(record.samples_ns);
  return record.bytes && median > 0 ? OrderedJson(static_cast<double>(*record.bytes) * 1e9 / median) : OrderedJson();
}

using Text = Record::Text;
using Count = Record::Count;
using Number = Record::Number;
template <class Type>
OrderedJson DerivedSchema() {
  return Written<Type>::Schema();
}
template <auto Member>
OrderedJson ValueOf(const Record& record) {
  return Written<std::remove_cvref_t<decltype(record.*Member)>>::Value(record.*Member);
}
template <auto Member>
OrderedJson SchemaOf() {
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

OrderedJson ToJson(const Record& record) {
  OrderedJson row = OrderedJson::object();
  for (const ResultField& field : ResultFields()) {
    if (OrderedJson value = field.value(record); !value.is_null()) row[std::string(field.name)] = std::move(value);
  }
  return row;
}

void WriteResults(TextOutput& file, const Context& context, std::span<const Record> records, const RunNotes& notes) {
  OrderedJson whole;
  whole["context"]["schema_version"] = kResultsSchemaVersion;
  for (const auto& [name, value] : context) whole["context"][name] = value;
  OrderedJson& caches = whole["context"]["caches"] = OrderedJson::array();
  for (const CpuCache& cache : notes.caches) {
    caches.push_back(
        {{"type", cache.type}, {"level", cache.level}, {"size", cache.size}, {"num_sharing", cache.num_sharing}});
  }
  if (notes.interrupted) whole["context"]["interrupted"] = true;
  if (!notes.warnings.empty()) whole["context"]["warnings"] = notes.warnings;
  whole["benchmarks"] = whole["not_timed"] = OrderedJson::array();
  for (const Record& record : records) {
    whole[record.status == Status::kOk ? "benchmarks" : "not_timed"].push_back(ToJson(record));
  }
  // Names and reasons may quote a file's own bytes.
  file.Write(whole.dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
}

}  // namespace loadpath
