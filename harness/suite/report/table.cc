#include "harness/suite/report/table.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "harness/base/text.h"
#include "harness/results/statistics.h"
#include "harness/suite/report/table_notes.h"

namespace loadpath {
namespace {

constexpr const char* kHead =
    "median, p90, p99: over all samples (p90 needs at least 10 samples, p99 at least 100)\n"
    "rate: bytes loaded, or items, per second    of limit: that rate as a part of the machine's best\n"
    "extra: peak memory beyond the parameters    checked: what was compared before timing (+crc: on\n"
    "every load, the file's checksums)\n";

// The head in lines of `width` characters: each explanation in lines of its own if two do not fit side by side.
std::string Head(std::size_t width) {
  if (width >= kTableWidth) return kHead;
  static constexpr std::string_view kExplanations[] = {
      "median, p90, p99: over all samples (p90 needs at least 10 samples, p99 at least 100)",
      "rate: bytes loaded, or items, per second",
      "of limit: that rate as a part of the machine's best",
      "extra: peak memory beyond the parameters",
      "checked: what was compared before timing (+crc: on every load, the file's checksums)",
  };
  std::string text;
  for (const std::string_view explanation : kExplanations) text += Wrapped(explanation, width, "  ") + "\n";
  return text;
}

std::string Digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value);
  return text;
}

std::string WithUnit(double value, std::span<const char* const> units) {
  std::size_t unit = 0;
  while (unit + 1 < units.size() && value >= 999.5) {
    value /= 1000;
    ++unit;
  }
  return Digits(value) + " " + units[unit];
}

std::string RateText(const Record& record, double median) {
  static constexpr std::array<const char*, 4> kBytes = {"B/s", "kB/s", "MB/s", "GB/s"};
  static constexpr std::array<const char*, 3> kItems = {"item/s", "kitem/s", "Mitem/s"};
  if (record.items_per_second) return WithUnit(*record.items_per_second, kItems);
  if (record.kind == CaseKind::kStartup || !record.bytes) return "";
  return WithUnit(static_cast<double>(*record.bytes) * 1e9 / median, kBytes);
}

std::string PartText(const Record& record) {
  if (!record.part_of_limit) return "";
  const double percent = *record.part_of_limit * 100;
  char text[32];
  std::snprintf(text, sizeof text, percent < 1 ? "<1%%" : "%.0f%%", percent);
  return std::string(text) + " " + record.limit.substr(0, record.limit.find('/'));
}

// The columns but for the label. `may_go`: left out if the table is too wide, the highest number first.
struct Column {
  const char* head;
  int may_go = 0;
  std::string (*text)(const Record&, const Statistics&);
};
constexpr Column kColumns[] = {
    {"median", 0, [](const Record&, const Statistics& s) { return TimeText(s.median); }},
    {"p90", 5, [](const Record&, const Statistics& s) { return s.p90 ? TimeText(*s.p90) : ""; }},
    {"p99", 6, [](const Record&, const Statistics& s) { return s.p99 ? TimeText(*s.p99) : ""; }},
    {"rate", 2, [](const Record& r, const Statistics& s) { return RateText(r, s.median); }},
    {"of limit", 1, [](const Record& r, const Statistics&) { return PartText(r); }},
    {"extra", 3,
     [](const Record& r, const Statistics&) {
       return r.peak_extra_bytes ? HumanBytes(*r.peak_extra_bytes) : std::string();
     }},
    {"checked", 4, [](const Record& r, const Statistics&) { return CheckedText(r); }},
};

using Cells = std::vector<std::string>;  // one column: its head, then a cell a record

std::size_t WidthOf(const Cells& cells) { return std::ranges::max_element(cells, {}, &std::string::size)->size(); }

struct Columns {
  std::vector<Cells> shown;
  std::vector<std::string> left_out;  // their heads
};

Columns ChooseColumns(std::span<const Record> records, std::size_t most) {
  std::vector<std::pair<int, Cells>> columns;
  for (const Column& column : kColumns) {
    Cells cells = {column.head};
    bool used = false;
    for (const Record& record : records) {
      cells.push_back(record.status == Status::kOk ? column.text(record, Summarize(record.samples_ns)) : "");
      used |= !cells.back().empty();
    }
    if (used) columns.emplace_back(column.may_go, std::move(cells));
  }
  std::size_t width = 4;  // the label's head
  for (const Record& record : records) width = std::max(width, record.label.size() + 2);
  for (const auto& [may_go, cells] : columns) width += 2 + WidthOf(cells);
  Columns chosen;
  while (width > most) {
    const auto goes = std::ranges::max_element(columns, {}, &std::pair<int, Cells>::first);
    if (goes == columns.end() || goes->first == 0) break;
    width -= 2 + WidthOf(goes->second);
    chosen.left_out.push_back(goes->second.front());
    columns.erase(goes);
  }
  for (auto& column : columns) chosen.shown.push_back(std::move(column.second));
  return chosen;
}

// One line for the heads and one a record.
std::vector<std::string> AlignedLines(std::span<const Record> records, const std::vector<Cells>& columns) {
  std::vector<Align> align(columns.size() + 1, Align::kRight);
  align.front() = Align::kLeft;
  Table table(std::move(align));
  for (std::size_t row = 0; row <= records.size(); ++row) {
    Cells cells = {row == 0 ? "case" : "  " + records[row - 1].label};
    for (const Cells& column : columns) cells.push_back(column[row]);
    table.Add(std::move(cells));
  }
  std::string text;
  table.AppendTo(text);
  std::vector<std::string> lines;
  for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(text.substr(begin, end - begin));
  }
  return lines;
}

std::string Notes(const Record& record) {
  std::string notes;
  if (!record.fallback.empty()) notes += "    fell back to " + record.fallback + "\n";
  if (record.status == Status::kOk && record.greatest_residency.value_or(0) > 0.01) {
    char note[96];
    std::snprintf(note, sizeof note, "    not cold: up to %.0f%% of the file stayed in the page cache\n",
                  *record.greatest_residency * 100);
    notes += note;
  }
  return notes;
}

// A file of the user's own that fits a bundled model is loaded into that: " (into linear)".
std::string Into(const Record& record) {
  const bool other = record.kind == CaseKind::kLoad && !record.name.starts_with("load/" + record.model + "/");
  return other ? " (into " + record.model + ")" : "";
}

// The full width is what the table is made for: only p99 is ever missing there, and docs/measuring.md says so.
std::string LeftOutText(const std::vector<std::string>& columns, std::size_t width) {
  if (columns.empty() || width >= kTableWidth) return "";
  std::string names;
  for (const std::string& name : columns) names += (names.empty() ? "" : ", ") + name;
  return "left out to fit " + std::to_string(width) + " characters a line: " + names + " (--json has them)";
}

}  // namespace

std::string TimeText(double ns) {
  static constexpr std::array<const char*, 4> kUnits = {"ns", "us", "ms", "s"};
  return WithUnit(ns, kUnits);
}

std::string CheckedText(const Record& record) {
  if (!record.checked) return "";
  const std::string text = record.outputs_checked ? "tensors+outputs" : "tensors";
  if (!record.crc.contains("checked")) return text;
  return text + (record.crc.size() == 1 ? "+crc" : "+some crc");
}

std::string TableText(std::span<const Record> records, const Context& context, const RunNotes& notes,
                      std::size_t width) {
  const Columns columns = ChooseColumns(records, width);
  const std::vector<std::string> lines = AlignedLines(records, columns.shown);
  std::string text = Head(width), group;
  SkipReasons skipped;
  Reasons reasons(width);
  text.append("\n").append(lines.front()).append("\n");
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Record& record = records[i];
    if (record.group != group) text += record.group + Into(record) + "\n";
    group = record.group;
    text += lines[i + 1];
    if (record.status == Status::kSkipped) {
      text.append("  skipped (").append(std::to_string(skipped.Number(record.reason))).append(")");
    } else if (record.status != Status::kOk) {
      const std::string head = "    " + std::string(Name(record.status)) + ": ";
      text.append("\n").append(reasons.Text(head, record.reason, "    "));
    }
    text.append("\n").append(Notes(record));
  }
  text += skipped.Text(reasons);
  return text + "\n" + NotesText(notes, LeftOutText(columns.left_out, width), reasons.cut(), width) +
         MachineText(context, width);
}

}  // namespace loadpath
