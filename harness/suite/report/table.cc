#include "harness/suite/report/table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <tuple>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/results/statistics.h"
#include "harness/suite/report/table_notes.h"

namespace loadpath {
namespace {

// The head in lines of `width` characters: each explanation in lines of its own if two do not fit side by side.
std::string Head(std::size_t width) {
  static constexpr std::string_view kExplanations[][2] = {
      {"median: over all samples, with the 95 % interval of where it lies (p90 needs 10 samples, p99 100)", ""},
      {"best: times the fastest of its kind here", "rate: bytes loaded, or items, per second"},
      {"of limit: part of what a plain loop of the same work, or an empty process, reached beside it", ""},
      {"extra: peak memory beyond the parameters", "checked: what was compared (+crc: the checksums too)"},
  };
  std::string text;
  for (const auto& [first, second] : kExplanations) {
    if (width >= kTableWidth) {
      text.append(first).append(second.empty() ? "" : "    ").append(second).append("\n");
      continue;
    }
    text += Wrapped(first, width, "  ") + "\n";
    if (!second.empty()) text += Wrapped(second, width, "  ") + "\n";
  }
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

// Of a load whose time is not that of moving bytes, what one of its tensors takes.
std::string PartText(const Record& record, double median) {
  if (record.part_of_limit.value_or(0) < 0.01 && record.kind == CaseKind::kLoad && record.tensors.value_or(0) > 0)
    return TimeText(median / static_cast<double>(*record.tensors)) + "/tensor";
  if (!record.part_of_limit) return "";
  char text[32];
  std::snprintf(text, sizeof text, *record.part_of_limit < 0.01 ? "<1%%" : "%.0f%%", *record.part_of_limit * 100);
  // "fresh-crc" of "pread-fresh-crc/threads:2", which stands below with its own row.
  const std::string kind = record.limit.substr(0, record.limit.find('/'));
  return std::string(text) + " " + (kind.starts_with("pread-") ? kind.substr(6) : kind);
}

// "±1.4%": half of the interval, as a part of the median.
std::string SpreadText(const Record& record, double median) {
  const std::optional<Interval> interval = MedianInterval(WallNs(record));
  if (!interval) return "";
  char text[32];
  const double percent = (interval->high - interval->low) / 2 / median * 100;
  std::snprintf(text, sizeof text, percent < 9.95 ? "±%.1f%%" : "±%.0f%%", percent);
  return text;
}

// A case and what it is compared with: the fastest of the same kind, checkpoint or model, device, page cache and
// memory.
struct Row {
  const Record* record;
  Statistics statistics;
  double best = 0;  ///< the median of the fastest; 0 if nothing else is there to be compared with
};

std::string TimesBest(const Row& row) {
  if (row.best <= 0) return "";
  char text[32];
  const double times = row.statistics.median / row.best;
  std::snprintf(text, sizeof text, times < 9.995 ? "%.2fx" : times < 99.95 ? "%.1fx" : "%.0fx", times);
  return text;
}

// Of a new process, what the phase took.
std::string PhaseText(const Row& row, const char* phase) {
  if (row.record->kind != CaseKind::kStartup) return "";
  const auto phases = PhaseMedians(*row.record);
  const auto found = phases.find(phase);
  return found == phases.end() ? "" : TimeText(static_cast<double>(found->second));
}

// The columns but for the label. `may_go`: left out if the table is too wide, the highest number first.
struct Column {
  const char* head;
  int may_go = 0;
  std::string (*text)(const Row&);
};
constexpr Column kColumns[] = {
    {"median", 0, [](const Row& r) { return TimeText(r.statistics.median); }},
    {"±", 4, [](const Row& r) { return SpreadText(*r.record, r.statistics.median); }},
    {"p90", 7, [](const Row& r) { return r.statistics.p90 ? TimeText(*r.statistics.p90) : ""; }},
    {"p99", 8, [](const Row& r) { return r.statistics.p99 ? TimeText(*r.statistics.p99) : ""; }},
    {"best", 1, TimesBest},
    {"process", 1, [](const Row& r) { return PhaseText(r, "process"); }},
    {"construct", 4, [](const Row& r) { return PhaseText(r, "construct"); }},
    {"load", 1, [](const Row& r) { return PhaseText(r, "load"); }},
    {"forward", 2, [](const Row& r) { return PhaseText(r, "first_forward"); }},
    {"rate", 3, [](const Row& r) { return RateText(*r.record, r.statistics.median); }},
    {"of limit", 2, [](const Row& r) { return PartText(*r.record, r.statistics.median); }},
    {"extra", 5,
     [](const Row& r) {
       const std::optional<std::uint64_t> extra = MedianCount(*r.record, &Sample::peak_extra_bytes);
       return extra ? HumanBytes(*extra) : std::string();
     }},
    {"peak", 5,
     [](const Row& r) {
       const std::optional<std::uint64_t> peak = MedianCount(*r.record, &Sample::peak_bytes);
       return peak ? HumanBytes(*peak) : std::string();
     }},
    {"checked", 6, [](const Row& r) { return CheckedText(*r.record); }},
};

using Cells = std::vector<std::string>;  // one column: its head, then a cell a record

std::size_t WidthOf(const Cells& cells) {
  std::size_t width = 0;
  for (const std::string& cell : cells) width = std::max(width, DisplayWidth(cell));
  return width;
}

struct ChosenColumns {
  std::vector<Cells> shown;
  std::vector<std::string> left_out;  // their heads
};

ChosenColumns ChooseColumns(std::span<const Row> rows, std::size_t most) {
  std::vector<std::pair<int, Cells>> columns;
  for (const Column& column : kColumns) {
    Cells cells = {column.head};
    bool used = false;
    for (const Row& row : rows) {
      cells.push_back(row.record->status == Status::kOk ? column.text(row) : "");
      used |= !cells.back().empty();
    }
    if (used) columns.emplace_back(column.may_go, std::move(cells));
  }
  std::size_t width = 4;  // the label's head
  for (const Row& row : rows) width = std::max(width, row.record->label.size() + 2);
  for (const auto& [may_go, cells] : columns) width += 2 + WidthOf(cells);
  ChosenColumns chosen;
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
std::vector<std::string> AlignedLines(std::span<const Row> rows, const std::vector<Cells>& columns) {
  std::vector<Align> align(columns.size() + 1, Align::kRight);
  align.front() = Align::kLeft;
  Table table(std::move(align));
  for (std::size_t row = 0; row <= rows.size(); ++row) {
    Cells cells = {row == 0 ? "case" : "  " + rows[row - 1].record->label};
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

std::string Notes(const Record& record, std::size_t width, bool verbose) {
  std::string notes;
  const auto add = [&](const std::string& note) { notes += Wrapped("    " + note, width, "    ") + "\n"; };
  if (verbose && !record.choice.empty()) add("auto " + record.choice);
  if (!record.fallback.empty()) add("fell back to " + record.fallback);
  if (record.status == Status::kOk && record.dropped) {
    const std::string what = record.cache ? std::string(Name(*record.cache)) : "hot or cold";  // a limit has no cache
    add(Counted(*record.dropped, "sample") + " dropped: not as " + what + " as the case says, or memory was not");
  }
  if (!record.varying.empty()) add("not the same in every sample: " + CommaList(record.varying));
  return notes;
}

// Rows of one checkpoint or model stand together, the fastest first, and what has no time last; the limit of a
// checkpoint's loads or start-ups stands behind them. What was skipped is left out unless it is asked for.
std::vector<Row> Ranked(std::span<const Record> records, bool verbose) {
  std::vector<Row> rows;
  std::vector<std::string> groups;
  for (const Record& record : records) {
    auto place = groups.end();
    if (record.kind == CaseKind::kLimit && !record.model.empty()) {
      const std::string checkpoint = record.group.substr(Name(record.kind).size());
      place = std::ranges::find(groups, "load" + checkpoint);
      if (place == groups.end()) place = std::ranges::find(groups, "startup" + checkpoint);
    }
    if (std::ranges::find(groups, record.group) == groups.end())
      groups.insert(place == groups.end() ? place : place + 1, record.group);
    if (record.status == Status::kSkipped && !verbose) continue;
    rows.push_back({.record = &record, .statistics = {}});
    if (record.status == Status::kOk) rows.back().statistics = Summarize(WallNs(record));
  }
  const auto state = [](const Record& record) {
    return std::tuple(record.group, record.device ? record.device->text() : "", record.cache, record.memory,
                      record.batch);
  };
  for (Row& row : rows) {
    std::size_t others = 0;
    for (const Row& other : rows) {
      if (other.record->status != Status::kOk || state(*other.record) != state(*row.record)) continue;
      ++others;
      if (row.best <= 0 || other.statistics.median < row.best) row.best = other.statistics.median;
    }
    if (others < 2 || row.record->kind == CaseKind::kLimit) row.best = 0;
  }
  const auto order = [&](const Row& row) {
    const Record& record = *row.record;
    const auto group = std::ranges::find(groups, record.group) - groups.begin();
    const bool limit = record.kind == CaseKind::kLimit;  // in their own order
    return std::tuple(group, record.device ? record.device->text() : "", record.cache, record.memory, record.batch,
                      record.status != Status::kOk, limit ? 0 : row.statistics.median);
  };
  std::ranges::stable_sort(rows, {}, order);
  return rows;
}

// A file of the user's own that fits a bundled model is loaded into that: " (into linear)".
std::string Into(const Record& record) {
  const bool other = record.kind == CaseKind::kLoad && !record.name.starts_with("load/" + record.model + "/");
  return other ? " (into " + record.model + ")" : "";
}

// The full width is what the table is made for: only p99 is ever missing there, and docs/measuring.md says so.
std::string LeftOutText(const std::vector<std::string>& columns, std::size_t width) {
  if (columns.empty() || width >= kTableWidth) return "";
  return "left out to fit " + std::to_string(width) + " characters a line: " + CommaList(columns) +
         " (--json has them)";
}

}  // namespace

std::string TimeText(double ns) {
  static constexpr std::array<const char*, 4> kUnits = {"ns", "us", "ms", "s"};
  return WithUnit(ns, kUnits);
}

std::string CheckedText(const Record& record) {
  if (!record.checked) return "";
  const std::string text = (record.outputs_checked ? "outputs" : "tensors") +
                           std::string(record.oracle.empty() ? "" : " by " + record.oracle);
  if (!record.crc.contains("checked")) return text;
  return text + (record.crc.size() == 1 ? "+crc" : "+some crc");
}

std::string TableText(std::span<const Record> records, const Context& context, const RunNotes& notes,
                      const TableOptions& options) {
  const std::size_t width = options.width;
  const std::vector<Row> rows = Ranked(records, options.verbose);
  const ChosenColumns columns = ChooseColumns(rows, width);
  const std::vector<std::string> lines = AlignedLines(rows, columns.shown);
  std::string text = Head(width), group;
  Reasons reasons(width);
  if (!rows.empty()) text.append("\n").append(lines.front()).append("\n");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Record& record = *rows[i].record;
    if (record.group != group) text += record.group + Into(record) + "\n";
    group = record.group;
    text += lines[i + 1];
    if (record.status == Status::kSkipped) {
      text += "  skipped";
    } else if (record.status != Status::kOk) {
      const std::string head = "    " + std::string(Name(record.status)) + ": ";
      text.append("\n").append(reasons.Text(head, record.reason, "    "));
    }
    text.append("\n").append(Notes(record, width, options.verbose));
  }
  text += SkippedText(records, reasons);
  return text + "\n" + SummaryText(records, notes, width) +
         NotesText(notes, LeftOutText(columns.left_out, width), reasons.cut(), width) + MachineText(context, width);
}

}  // namespace loadpath
