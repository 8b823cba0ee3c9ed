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
struct Written<Record::Names> {
  static OrderedJson Value(const Record::Names& value) { return value.empty() ? OrderedJson() : OrderedJson(value); }
  static OrderedJson Schema() {
    return {{"type", "array"}, {"minItems", 1}, {"items", Written<Record::Text>::Schema()}};
  }
};
struct TimeList;
template <>
struct Written<TimeList> {
  static OrderedJson Schema() {
    return {{"type", "array"}, {"minItems", 1}, {"items", {{"type", "integer"}, {"minimum", 1}}}};
  }
};

OrderedJson SampleSchema() {
  const OrderedJson count = Written<Record::Count>::Schema(), counts = Written<Record::Counts>::Schema();
  const OrderedJson part = {{"type", "number"}, {"minimum", 0}, {"maximum", 1}};
  OrderedJson properties = {
      {"round", count},
      {"position", count},
      {"wall_ns", {{"type", "integer"}, {"minimum", 1}}},
      {"cpu_ns", count},
      {"phases_ns", counts},
      {"costs", counts},
      {"minor_faults", count},
      {"major_faults", count},
      {"peak_extra_bytes", count},
      {"peak_bytes", count},
      {"residency_before", part},
      {"residency_after", part},
      {"touch_rate", Written<Record::Number>::Schema()},
      {"checked", Written<Record::Flag>::Schema()},
  };
  return {{"type", "object"},
          {"additionalProperties", false},
          {"required", OrderedJson::array({"round", "position", "wall_ns", "cpu_ns"})},
          {"properties", std::move(properties)}};
}
template <>
struct Written<Record::Samples> {
  static OrderedJson Value(const Record::Samples& samples) {
    OrderedJson all;
    for (const Sample& sample : samples) all.push_back(ToJson(sample));
    return all;
  }
  static OrderedJson Schema() { return {{"type", "array"}, {"minItems", 1}, {"items", SampleSchema()}}; }
};

// Fields that are computed from others. A case without samples has none of them.
OrderedJson IfTimed(const Record& record, OrderedJson value) {
  return record.samples.empty() ? OrderedJson() : std::move(value);
}
OrderedJson FromOptional(const std::optional<double>& value) { return value ? OrderedJson(*value) : OrderedJson(); }

OrderedJson MedianOf(const Record& record, std::optional<std::uint64_t> Sample::*member) {
  return Written<Record::Count>::Value(MedianCount(record, member));
}

OrderedJson RunName(const Record& record) { return IfTimed(record, record.name); }
OrderedJson RunType(const Record& record) { return IfTimed(record, "iteration"); }
OrderedJson RepetitionIndex(const Record& record) { return IfTimed(record, 0); }
OrderedJson Iterations(const Record& record) { return IfTimed(record, record.samples.size()); }
OrderedJson SampleTimes(const Record& record) { return IfTimed(record, WallNs(record)); }
OrderedJson MedianTime(const Record& record) { return IfTimed(record, Median(WallNs(record))); }
OrderedJson CpuTime(const Record& record) { return IfTimed(record, std::llround(Median(CpuNs(record)))); }
OrderedJson TimeUnit(const Record& record) { return IfTimed(record, "ns"); }
OrderedJson FirstNs(const Record& record) {
  const std::vector<std::int64_t> firsts = FirstOfTurns(record);
  return firsts.empty() ? OrderedJson() : OrderedJson(Median(firsts));
}
OrderedJson MedianEnd(const Record& record, double Interval::*end) {
  const std::optional<Interval> interval = MedianInterval(WallNs(record));
  return interval ? OrderedJson((*interval).*end) : OrderedJson();
}
OrderedJson MedianLow(const Record& record) { return MedianEnd(record, &Interval::low); }
OrderedJson MedianHigh(const Record& record) { return MedianEnd(record, &Interval::high); }
OrderedJson P90Time(const Record& record) {
  return record.samples.empty() ? OrderedJson() : FromOptional(Summarize(WallNs(record)).p90);
}
OrderedJson P99Time(const Record& record) {
  return record.samples.empty() ? OrderedJson() : FromOptional(Summarize(WallNs(record)).p99);
}
OrderedJson BytesPerSecond(const Record& record) {
  const double median = Median(WallNs(record));
  return record.bytes && median > 0 ? OrderedJson(static_cast<double>(*record.bytes) * 1e9 / median) : OrderedJson();
}
OrderedJson MinorFaults(const Record& record) { return MedianOf(record, &Sample::minor_faults); }
OrderedJson MajorFaults(const Record& record) { return MedianOf(record, &Sample::major_faults); }
OrderedJson PeakBytes(const Record& record) { return MedianOf(record, &Sample::peak_bytes); }
OrderedJson PeakExtra(const Record& record) { return MedianOf(record, &Sample::peak_extra_bytes); }
OrderedJson GreatestResidency(const Record& record) {
  return FromOptional(record.cache && record.cache != CacheState::kHot ? GreatestResidencyBefore(record)
                                                                       : std::nullopt);
}
OrderedJson PhasesNs(const Record& record) {
  OrderedJson medians;
  for (const auto& [phase, ns] : PhaseMedians(record)) medians[phase] = ns;
  return medians;
}

using Text = Record::Text;
using Count = Record::Count;
using Counts = Record::Counts;
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

OrderedJson ToJson(const Sample& sample) {
  OrderedJson json = {
      {"round", sample.round}, {"position", sample.position}, {"wall_ns", sample.wall_ns}, {"cpu_ns", sample.cpu_ns}};
  const auto add = [&json](const char* name, const auto& value) {
    if (value) json[name] = *value;
  };
  if (!sample.phases_ns.empty()) json["phases_ns"] = sample.phases_ns;
  if (!sample.costs.empty()) json["costs"] = sample.costs;
  add("minor_faults", sample.minor_faults);
  add("major_faults", sample.major_faults);
  add("peak_extra_bytes", sample.peak_extra_bytes);
  add("peak_bytes", sample.peak_bytes);
  add("residency_before", sample.residency_before);
  add("residency_after", sample.residency_after);
  add("touch_rate", sample.touch_rate);
  if (sample.checked) json["checked"] = true;
  return json;
}

Sample SampleFromJson(const OrderedJson& json) {
  Sample sample;
  json.at("round").get_to(sample.round);
  json.at("position").get_to(sample.position);
  json.at("wall_ns").get_to(sample.wall_ns);
  json.at("cpu_ns").get_to(sample.cpu_ns);
  if (json.contains("phases_ns")) json["phases_ns"].get_to(sample.phases_ns);
  if (json.contains("costs")) json["costs"].get_to(sample.costs);
  const auto take = [&json]<class Value>(const char* name, std::optional<Value>& value) {
    if (json.contains(name)) value = json[name].get<Value>();
  };
  take("minor_faults", sample.minor_faults);
  take("major_faults", sample.major_faults);
  take("peak_extra_bytes", sample.peak_extra_bytes);
  take("peak_bytes", sample.peak_bytes);
  take("residency_before", sample.residency_before);
  take("residency_after", sample.residency_after);
  take("touch_rate", sample.touch_rate);
  sample.checked = json.value("checked", false);
  return sample;
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
  if (notes.memory_was_returned) whole["context"]["memory_was_returned"] = true;
  if (!notes.warnings.empty()) whole["context"]["warnings"] = notes.warnings;
  whole["benchmarks"] = whole["not_timed"] = OrderedJson::array();
  for (const Record& record : records) {
    whole[record.status == Status::kOk ? "benchmarks" : "not_timed"].push_back(ToJson(record));
  }
  // Names and reasons may quote a file's own bytes.
  file.Write(whole.dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
}

}  // namespace loadpath
