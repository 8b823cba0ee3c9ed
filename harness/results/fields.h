#ifndef LOADPATH_HARNESS_RESULTS_FIELDS_H_
#define LOADPATH_HARNESS_RESULTS_FIELDS_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "harness/results/record.h"
#include "harness/results/text_output.h"

namespace loadpath {

/// Raised if the meaning of a field changes, or one goes away.
inline constexpr int kResultsSchemaVersion = 2;

/// One field of a result row: fields.def lists them.
struct ResultField {
  std::string_view name;
  std::string_view description;
  std::uint8_t required = 0;  ///< the kinds of case whose timed rows must have it, a bit each: 1 << CaseKind
  nlohmann::ordered_json (*schema)();
  nlohmann::ordered_json (*value)(const Record&);  ///< null if it does not apply

  bool RequiredOf(CaseKind kind) const { return (required >> static_cast<int>(kind) & 1) != 0; }
};
std::span<const ResultField> ResultFields();

/// One row: every field that applies. Numbers that are not finite do not apply.
nlohmann::ordered_json ToJson(const Record& record);

/// A sample as the JSON has it, and back; what does not apply is left out. Throws nlohmann's exceptions.
nlohmann::ordered_json ToJson(const Sample& sample);
Sample SampleFromJson(const nlohmann::ordered_json& json);

/// The JSON Schema of what WriteResults writes. results/schema.json holds it.
nlohmann::ordered_json ResultsSchema();

/// Writes Google Benchmark's JSON (`context`, `benchmarks`) with our fields into `file`. Records with
/// status ok stand in `benchmarks`, all others in `not_timed`; the notes stand in `context`. Throws CheckpointError
/// kIo, which names the file.
void WriteResults(TextOutput& file, const Context& context, std::span<const Record> records,
                  const RunNotes& notes = {});

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_RESULTS_FIELDS_H_
