#include <algorithm>
#include <vector>

#include "harness/base/parallel.h"
#include "harness/checkpoint/read/byte_swap.h"
#include "harness/checkpoint/read/inflate.h"
#include "harness/checkpoint/read/read_progress.h"
#include "harness/checkpoint/read/records.h"

namespace loadpath {
namespace {

// What one thread reads of a large record. Two threads that write to one 2 MiB page of fresh memory both wait for the
// kernel to clear it: 498 MB took 86 ms in chunks of 1 MiB and 64 in chunks of 4. Little is read in smaller chunks, so
// that every thread has some.
constexpr std::uint64_t kChunk = std::uint64_t{4} << 20, kSmallChunk = std::uint64_t{1} << 20;
constexpr std::uint64_t kLittle = std::uint64_t{32} << 20;
// What is summed is read in blocks that are still in the core's cache then: 75 ms for the same bytes, and 98 without.
constexpr std::uint64_t kBlock = std::uint64_t{1} << 18;
// Records shorter than this are read together with their neighbours, up to kWindow bytes at a time.
constexpr std::uint64_t kSmall = std::uint64_t{1} << 16;
constexpr std::uint64_t kWindow = std::uint64_t{1} << 20;
// Starting a thread takes 20 to 50 us: as long as reading a few hundred KiB.
constexpr std::uint64_t kBytesPerThread = std::uint64_t{1} << 21;

// One thing that one thread does: a chunk of a large record, a whole deflated record, or a window of small ones.
struct Unit {
  std::uint32_t first = 0, last = 0;    // into order_: one job but for windows
  std::uint64_t begin = 0, length = 0;  // chunk: of the job's destination
  bool window = false;
};

class Reader {
 public:
  Reader(const std::string& path, std::span<const RecordFile> files, std::span<const std::uint32_t> file_of,
         std::span<const ReadJob> jobs, const ReadOptions& options)
      : path_(path),
        files_(files),
        file_of_(file_of),
        jobs_(jobs),
        check_(options.crc != CrcMode::kOff),
        progress_(options.progress),
        threads_(options.threads > 0 ? options.threads : Cores()) {}

  ReadReport Run() {
    Plan();
    const std::uint64_t useful = std::max<std::uint64_t>(1, bytes_ / kBytesPerThread);
    const auto threads = std::min<std::uint64_t>({static_cast<std::uint64_t>(threads_), units_.size(), useful});
    std::vector<std::vector<std::byte>> buffers(threads);
    const ReadProgress progress(progress_, path_, bytes_);
    // The units are in the files' order: of several errors, the first in that order is thrown.
    ParallelForWithWorker(units_.size(), static_cast<int>(threads), [&](std::size_t unit, std::size_t worker) {
      Do(unit, buffers[worker]);
      progress.Add(BytesOf(units_[unit]));
      if (worker == 0) progress.Tell();
    });
    ReadReport report = Report();
    progress.Finish();
    return report;
  }

 private:
  std::uint32_t FileNumber(std::uint32_t job) const { return file_of_.empty() ? 0 : file_of_[job]; }
  const RecordFile& File(std::uint32_t job) const { return files_[FileNumber(job)]; }
  std::uint64_t StorageBytes(std::uint32_t job) const { return File(job).storages[jobs_[job].storage].nbytes; }

  [[noreturn]] void Fail(ErrorCode code, std::string_view sentence, std::uint32_t job, std::uint64_t offset) const {
    const Records& records = *File(job).records;
    records.source().Fail(code, sentence, records.RecordName(jobs_[job].storage), offset);
  }

  bool Whole(std::uint32_t job) const { return jobs_[job].begin == 0 && jobs_[job].dst.size() == StorageBytes(job); }

  void Plan() {
    slots_.reserve(jobs_.size());
    for (std::uint32_t i = 0; i < jobs_.size(); ++i) {
      const ReadJob& job = jobs_[i];
      const std::uint64_t nbytes = StorageBytes(i);
      if (job.begin > nbytes || job.dst.size() > nbytes - job.begin) {
        Fail(ErrorCode::kBadTensor, "has no such bytes: ask for a range inside the storage", i,
             CheckpointError::kNoOffset);
      }
      slots_.push_back(File(i).records->SlotOf(job.storage));
      bytes_ += job.dst.size();
    }
    const std::uint64_t chunk = bytes_ < kLittle ? kSmallChunk : kChunk;
    crcs_.resize(jobs_.size());
    order_.resize(jobs_.size());
    for (std::uint32_t i = 0; i < order_.size(); ++i) order_[i] = i;
    const auto by_offset = [&](std::uint32_t a, std::uint32_t b) {
      return FileNumber(a) != FileNumber(b) ? FileNumber(a) < FileNumber(b) : slots_[a].offset < slots_[b].offset;
    };
    if (!std::is_sorted(order_.begin(), order_.end(), by_offset))
      std::stable_sort(order_.begin(), order_.end(), by_offset);
    for (std::uint32_t i = 0; i < order_.size();) {
      const ReadJob& job = jobs_[order_[i]];
      const Slot& slot = slots_[order_[i]];
      if (slot.deflated) {
        units_.push_back({i, i + 1});
        ++i;
      } else if (Small(order_[i])) {
        std::uint32_t last = i + 1;
        const auto fits = [&](std::uint32_t j) {
          return FileNumber(order_[j]) == FileNumber(order_[i]) && Small(order_[j]) &&
                 slots_[order_[j]].offset + slots_[order_[j]].length - slot.offset <= kWindow;
        };
        while (last < order_.size() && fits(last)) ++last;
        units_.push_back({i, last, 0, 0, true});
        i = last;
      } else {
        for (std::uint64_t begin = 0; begin == 0 || begin < job.dst.size(); begin += chunk) {
          units_.push_back({i, i + 1, begin, std::min<std::uint64_t>(chunk, job.dst.size() - begin)});
        }
        ++i;
      }
    }
    unit_crcs_.resize(units_.size());
  }

  // Of the destinations.
  std::uint64_t BytesOf(const Unit& unit) const {
    if (!unit.window && !slots_[order_[unit.first]].deflated) return unit.length;
    std::uint64_t bytes = 0;
    for (std::uint32_t i = unit.first; i < unit.last; ++i) bytes += jobs_[order_[i]].dst.size();
    return bytes;
  }

  bool Small(std::uint32_t job) const {
    return !slots_[job].deflated && slots_[job].length < kSmall + slots_[job].head && slots_[job].stored < kSmall;
  }

  void Do(std::size_t index, std::vector<std::byte>& buffer) {
    const Unit& unit = units_[index];
    const std::uint32_t number = order_[unit.first];
    const ReadJob& job = jobs_[number];
    if (unit.window) return Window(unit, buffer);
    if (slots_[number].deflated) return Deflated(number, buffer);
    const std::span<std::byte> dst = job.dst.subspan(unit.begin, unit.length);
    const RecordFile& file = File(number);
    const std::uint64_t from = file.payloads->Find(*file.records, job.storage) + job.begin + unit.begin;
    const bool summed = check_ && slots_[number].crc && Whole(number);
    const std::uint64_t block = summed ? kBlock : std::max<std::uint64_t>(1, dst.size());
    for (std::uint64_t done = 0; done < dst.size() || done == 0; done += block) {
      const std::span<std::byte> part = dst.subspan(done, std::min<std::uint64_t>(block, dst.size() - done));
      file.records->source().ReadAt(from + done, part);
      if (summed) unit_crcs_[index] = Crc32(unit_crcs_[index], part);
    }
    if (file.swapped) SwapBytes(dst, job.dtype);
  }

  void Window(const Unit& unit, std::vector<std::byte>& buffer) {
    const RecordFile& file = File(order_[unit.first]);
    const std::uint64_t begin = slots_[order_[unit.first]].offset;
    std::uint64_t end = begin;
    for (std::uint32_t i = unit.first; i < unit.last; ++i) {
      end = std::max(end, slots_[order_[i]].offset + slots_[order_[i]].length);
    }
    const std::span<const std::byte> window = file.records->source().Get(begin, end - begin, buffer);
    for (std::uint32_t i = unit.first; i < unit.last; ++i) {
      const std::uint32_t number = order_[i];
      const ReadJob& job = jobs_[number];
      const Slot& slot = slots_[number];
      const std::span<const std::byte> bytes = window.subspan(slot.offset - begin, slot.length);
      std::optional<std::uint64_t> payload = file.payloads->Known(job.storage);
      if (!payload) {
        payload = file.records->ParseHead(job.storage, bytes.first(slot.head));
        file.payloads->Remember(job.storage, *payload);
      }
      const std::span<const std::byte> src = bytes.subspan(*payload - slot.offset + job.begin, job.dst.size());
      std::copy(src.begin(), src.end(), job.dst.begin());
      if (check_ && slot.crc && Whole(number)) crcs_[number] = Crc32(0, src);
      if (file.swapped) SwapBytes(job.dst, job.dtype);
    }
  }

  void Deflated(std::uint32_t number, std::vector<std::byte>& buffer) {
    const ReadJob& job = jobs_[number];
    const Slot& slot = slots_[number];
    const RecordFile& file = File(number);
    const std::span<const std::byte> compressed =
        file.records->source().Get(file.payloads->Find(*file.records, job.storage), slot.stored, buffer);
    std::vector<std::byte> whole;
    std::span<std::byte> inflated = job.dst;
    if (!Whole(number)) {
      whole.resize(StorageBytes(number));
      inflated = whole;
    }
    if (!Inflate(compressed, inflated)) {
      Fail(ErrorCode::kBadCrc, "cannot be inflated: its compressed bytes are damaged", number, slot.offset);
    }
    if (check_ && slot.crc) {
      crcs_[number] = Crc32(0, inflated);
      if (crcs_[number] != *slot.crc) BadCrc(number, slot);
    }
    if (!Whole(number))
      std::copy_n(whole.begin() + static_cast<std::ptrdiff_t>(job.begin), job.dst.size(), job.dst.begin());
    if (file.swapped) SwapBytes(job.dst, job.dtype);
  }

  [[noreturn]] void BadCrc(std::uint32_t job, const Slot& slot) const {
    Fail(ErrorCode::kBadCrc, "has bytes that do not match their CRC-32: the file is damaged", job, slot.offset);
  }

  ReadReport Report() {
    ReadReport report;
    report.crc.resize(jobs_.size(), CrcStatus::kOff);
    for (std::size_t i = 0; i < units_.size(); ++i) {
      const Unit& unit = units_[i];
      const std::uint32_t number = order_[unit.first];
      if (unit.window || (slots_[number].deflated && !Whole(number))) {
        for (std::uint32_t j = unit.first; j < unit.last; ++j) report.bytes_copied += jobs_[order_[j]].dst.size();
      }
      if (unit.window || slots_[number].deflated) continue;
      crcs_[number] = unit.begin == 0 ? unit_crcs_[i] : CombineCrc32(crcs_[number], unit_crcs_[i], unit.length);
    }
    for (std::uint32_t i = 0; i < jobs_.size(); ++i) {
      const Slot& slot = slots_[i];
      if (!slot.crc) {
        report.crc[i] = CrcStatus::kNotWritten;
      } else if (!check_) {
        report.crc[i] = CrcStatus::kOff;
      } else if (!Whole(i) && !slot.deflated) {
        report.crc[i] = CrcStatus::kPartial;
      } else {
        if (crcs_[i] != *slot.crc) BadCrc(i, slot);
        report.crc[i] = CrcStatus::kChecked;
        report.bytes_checked += StorageBytes(i);
      }
    }
    return report;
  }

  const std::string& path_;
  const std::span<const RecordFile> files_;
  const std::span<const std::uint32_t> file_of_;
  const std::span<const ReadJob> jobs_;
  const bool check_;
  const Progress& progress_;
  const int threads_;
  std::uint64_t bytes_ = 0;
  std::vector<Slot> slots_;           // by job
  std::vector<std::uint32_t> crcs_;   // by job
  std::vector<std::uint32_t> order_;  // jobs by their place in the file
  std::vector<Unit> units_;
  std::vector<std::uint32_t> unit_crcs_;
};

}  // namespace

std::uint64_t Payloads::Find(const Records& records, StorageId storage) const {
  if (const std::optional<std::uint64_t> known = Known(storage)) return *known;
  const std::lock_guard lock(locks_[storage % locks_.size()]);
  if (const std::optional<std::uint64_t> known = Known(storage)) return *known;
  const Slot slot = records.SlotOf(storage);
  std::vector<std::byte> head(slot.head);
  records.source().ReadAt(slot.offset, head);
  const std::uint64_t payload = records.ParseHead(storage, head);
  Remember(storage, payload);
  return payload;
}

ReadReport ReadRecords(const std::string& path, std::span<const RecordFile> files,
                       std::span<const std::uint32_t> file_of, std::span<const ReadJob> jobs,
                       const ReadOptions& options) {
  const auto sum = [&](std::uint64_t (FileSource::*count)() const) {
    std::uint64_t total = 0;
    for (const RecordFile& file : files) total += (file.records->source().*count)();
    return total;
  };
  const std::uint64_t bytes = sum(&FileSource::bytes_read), calls = sum(&FileSource::read_calls);
  ReadReport report = Reader(path, files, file_of, jobs, options).Run();
  report.bytes_read = sum(&FileSource::bytes_read) - bytes;
  report.read_calls = sum(&FileSource::read_calls) - calls;
  return report;
}

}  // namespace loadpath
