// Distributed checkpoints (torch.distributed.checkpoint, DCP): a folder of .metadata and .distcp files, whose tensors
// lie in chunks, each a torch.save archive of its own inside a .distcp file.
//
// Open reads .metadata and the values that are no tensors, opens every .distcp file and holds its length against what
// .metadata says. A chunk's archive is opened when its bytes, or their place, are first asked for, and remembered:
// opening 100,000 archives takes longer than most programs want to wait for a list of tensors.
#include "harness/checkpoint/formats/dcp/dcp.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "harness/base/error.h"
#include "harness/base/parallel.h"
#include "harness/base/paths.h"
#include "harness/checkpoint/formats/dcp/box.h"
#include "harness/checkpoint/formats/dcp/cover.h"
#include "harness/checkpoint/formats/dcp/items.h"
#include "harness/checkpoint/formats/dcp/state_dict_builder.h"
#include "harness/checkpoint/gather.h"
#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/pickle/copy_value.h"
#include "harness/checkpoint/pickle/tree_builder.h"
#include "harness/checkpoint/read/byte_swap.h"
#include "harness/checkpoint/read/read_progress.h"

namespace loadpath {
namespace {

class Dcp final : public SeveralFiles {
 public:
  Dcp(std::string path, std::unique_ptr<FileSource> file, const OpenOptions& options)
      : SeveralFiles(std::move(path)),
        source_(std::move(file)),
        metadata_(ReadDcpMetadata(*source_)),
        items_(metadata_, source_->path(), options) {
    Heap heap;
    StorageTable table;
    StateDictBuilder nest(heap);
    for (std::uint32_t i = 0; i < metadata_.entries.size(); ++i) {
      const DcpEntry& entry = metadata_.entries[i];
      const Value value = entry.is_tensor ? TensorValue(heap, table, i) : OtherValue(heap, table, entry);
      const std::string_view problem = nest.Put(metadata_.tree, entry.path, entry.name, value);
      if (!problem.empty()) source_->Fail(ErrorCode::kBadArchive, problem, entry.name);
    }
    tree_ = BuildTree(source_->path(), std::move(heap), table, {}, nest.root());
    storages_ = std::move(table.storages());
    big_endian_ = items_.IsBigEndian();
    open_report_.bytes_read = source_->bytes_read() + items_.bytes_read();
    open_report_.read_calls = source_->read_calls() + items_.read_calls();
  }

  std::string_view format() const override { return "dcp"; }
  std::size_t file_count() const override { return items_.file_count(); }
  int fd(std::uint32_t file) const override { return items_.source(file).fd(); }
  const std::string& file_path(std::uint32_t file) const override { return items_.source(file).path(); }

  // A tensor lies plainly if it is one chunk in row-major order.
  std::optional<Extent> Locate(StorageId storage) const override {
    const Home& home = homes_[storage];
    if (home.entry == kNone) {
      const SingleFile& file = *values_[home.value].file;
      if (file.Swapped() != Swapped()) return std::nullopt;
      std::optional<Extent> extent = file.Locate(home.local);
      if (extent) extent->file = values_[home.value].distcp;
      return extent;
    }
    if (storages_[storage].nbytes == 0) return Extent{};
    const DcpChunk* only = nullptr;
    for (const DcpChunk& chunk : Chunks(metadata_.entries[home.entry])) {
      if (IsEmpty(metadata_.tree, chunk)) continue;
      if (only != nullptr) return std::nullopt;
      only = &chunk;
    }
    const DcpItems::Place& place = items_.Find(only->item, Sizes(only->sizes));
    if (place.odd) return std::nullopt;
    return Extent{metadata_.items[only->item].file, place.offset, storages_[storage].nbytes};
  }

  ReadReport Read(std::span<const ReadJob> jobs, const ReadOptions& options) const override {
    return OrOutOfMemory(path_, "could not be read", [&] { return ReadAny(jobs, options); });
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  ReadReport ReadAny(std::span<const ReadJob> jobs, const ReadOptions& options) const {
    const std::uint64_t bytes = items_.bytes_read(), calls = items_.read_calls();
    ReadReport report;
    report.crc.assign(jobs.size(), CrcStatus::kNotWritten);
    std::vector<Piece> pieces;
    std::vector<ReadJob> direct;  // and of each, its file and the number of the job that it is a part of
    std::vector<std::uint32_t> file_of, job_of;
    std::uint64_t wanted = 0;
    for (std::uint32_t i = 0; i < jobs.size(); ++i) {
      const ReadJob& job = jobs[i];
      const Home& home = homes_[job.storage];
      const std::uint64_t nbytes = storages_[job.storage].nbytes;
      if (job.begin > nbytes || job.dst.size() > nbytes - job.begin) {
        source_->Fail(ErrorCode::kBadTensor, "has no such bytes: ask for a range inside the storage",
                      storages_[job.storage].name);
      }
      wanted += job.dst.size();
      if (home.entry != kNone) {
        AddPieces(i, job, metadata_.entries[home.entry], pieces);
      } else {
        direct.push_back({home.local, job.begin, job.dst, job.dtype});
        file_of.push_back(static_cast<std::uint32_t>(items_.file_count() + home.value));
        job_of.push_back(i);
      }
    }
    const ReadProgress progress(options.progress, path_, wanted);
    FindPlaces(pieces, options);
    std::vector<const Piece*> scattered;
    for (const Piece& piece : pieces) {
      if (items_.Known(piece.item).odd || !piece.box.IsRun(piece.begin, piece.end)) {
        scattered.push_back(&piece);
        continue;
      }
      const ReadJob& job = jobs[piece.job];
      direct.push_back({piece.item, piece.begin,
                        job.dst.subspan(piece.box.Position(piece.begin) - job.begin, piece.end - piece.begin),
                        job.dtype});
      file_of.push_back(metadata_.items[piece.item].file);
      job_of.push_back(piece.job);
    }
    std::vector<bool> counted(jobs.size());
    ReadAll(direct, file_of, job_of, options, counted, report);
    ReadScattered(scattered, jobs, options, progress, counted, report);
    progress.Finish();
    report.bytes_read = items_.bytes_read() - bytes;
    report.read_calls = items_.read_calls() - calls;
    return report;
  }

  // The home of a storage: a tensor of its own, or a pickled value that holds it.
  struct Home {
    std::uint32_t entry = kNone;
    std::uint32_t value = 0;  // into values_
    StorageId local = 0;      // there
  };
  struct OpenValue {
    std::shared_ptr<const SingleFile> file;
    std::uint32_t distcp = 0;
  };
  // Bytes [begin, end) of a chunk, which a job wants.
  struct Piece {
    std::uint32_t job, item;
    std::uint64_t begin, end;
    DcpBox box;
    std::vector<std::int64_t> sizes;
    Dtype dtype;
  };

  std::span<const DcpChunk> Chunks(const DcpEntry& entry) const {
    return std::span(metadata_.chunks).subspan(entry.first_chunk, entry.chunk_count);
  }

  std::vector<std::int64_t> Sizes(NodeId size) const {
    std::vector<std::int64_t> sizes;
    for (const NodeId item : metadata_.tree.items(size)) sizes.push_back(metadata_.tree.integer(item));
    return sizes;
  }

  Value TensorValue(Heap& heap, StorageTable& table, std::uint32_t number) {
    const DcpEntry& entry = metadata_.entries[number];
    TensorView view;
    view.dtype = entry.dtype;
    view.shape = entry.shape;
    view.stride.resize(view.shape.size());
    std::int64_t stride = 1;
    for (std::size_t d = view.shape.size(); d-- > 0;) {
      view.stride[d] = stride;
      stride *= std::max<std::int64_t>(1, view.shape[d]);
    }
    for (const DcpChunk& chunk : Chunks(entry)) {
      if (IsEmpty(metadata_.tree, chunk)) continue;
      const std::vector<std::int64_t> sizes = Sizes(chunk.sizes);
      items_.Expect(chunk.item, std::accumulate(sizes.begin(), sizes.end(), ItemSize(entry.dtype),
                                                std::multiplies<std::uint64_t>()));
      // The first one tells the byte order.
      if (!items_.HasByteOrder()) items_.Find(chunk.item, sizes);
    }
    view.storage = static_cast<StorageId>(table.storages().size());
    table.storages().push_back({entry.name, view.nbytes(), "cpu"});
    homes_.push_back({number});
    return heap.Tensor(std::move(view));
  }

  Value OtherValue(Heap& heap, StorageTable& table, const DcpEntry& entry) {
    const DcpItem& item = metadata_.items[entry.item];
    const std::shared_ptr<const SingleFile> file = items_.OpenItem(entry.item);
    std::vector<StorageId> ids(file->storages().size(), kNone);
    const auto value = static_cast<std::uint32_t>(values_.size());
    const Value copy = CopyValue(file->tree(), file->tree().root(), heap, table, [&](StorageId local) {
      if (ids[local] == kNone) {
        ids[local] = static_cast<StorageId>(table.storages().size());
        table.storages().push_back(file->storages()[local]);
        table.storages().back().name.insert(0, entry.name + "/");
        homes_.push_back({kNone, value, local});
      }
      return ids[local];
    });
    if (!file->storages().empty()) values_.push_back({file, item.file});
    return copy;
  }

  void AddPieces(std::uint32_t number, const ReadJob& job, const DcpEntry& entry, std::vector<Piece>& pieces) const {
    if (job.dst.empty()) return;
    for (const DcpChunk& chunk : Chunks(entry)) {
      if (IsEmpty(metadata_.tree, chunk)) continue;
      std::vector<std::int64_t> sizes = Sizes(chunk.sizes);
      const DcpBox box(entry.shape, Sizes(chunk.offsets), sizes, ItemSize(entry.dtype));
      const std::uint64_t begin = box.CountBefore(job.begin), end = box.CountBefore(job.begin + job.dst.size());
      if (begin < end) pieces.push_back({number, chunk.item, begin, end, box, std::move(sizes), entry.dtype});
    }
  }

  void FindPlaces(const std::vector<Piece>& pieces, const ReadOptions& options) const {
    std::vector<const Piece*> unknown;
    for (const Piece& piece : pieces) {
      if (!items_.IsKnown(piece.item)) unknown.push_back(&piece);
    }
    ParallelFor(unknown.size(), options.threads > 0 ? options.threads : Cores(),
                [&](std::size_t i) { items_.Find(unknown[i]->item, unknown[i]->sizes); });
  }

  void ReadAll(std::span<const ReadJob> jobs, std::span<const std::uint32_t> file_of,
               std::span<const std::uint32_t> job_of, const ReadOptions& options, std::vector<bool>& counted,
               ReadReport& report) const {
    std::vector<RecordFile> files = items_.RecordFiles(Swapped());
    for (const OpenValue& value : values_) files.push_back(value.file->record_file());
    const ReadReport part = ReadRecords(path_, files, file_of, jobs, options);
    report.bytes_checked += part.bytes_checked;
    report.bytes_copied += part.bytes_copied;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      // A job of several chunks was checked only if each of them was.
      CrcStatus& status = report.crc[job_of[i]];
      if (!counted[job_of[i]] || status == CrcStatus::kChecked) status = part.crc[i];
      counted[job_of[i]] = true;
    }
  }

  // Chunks that are no run of their tensor's bytes: read as they are, some at a time, then put in their places.
  void ReadScattered(std::span<const Piece* const> pieces, std::span<const ReadJob> jobs, const ReadOptions& options,
                     const ReadProgress& progress, std::vector<bool>& counted, ReadReport& report) const {
    for (std::size_t first = 0; first < pieces.size();) {
      std::uint64_t bytes = 0;
      std::size_t last = first;
      for (; last < pieces.size() && (last == first || bytes < limits::kChunkBatch); ++last)
        bytes += pieces[last]->box.size();
      std::vector<std::vector<std::byte>> buffers(last - first);
      std::vector<ReadJob> batch;
      std::vector<std::uint32_t> file_of, job_of;
      for (std::size_t i = first; i < last; ++i) {
        const Piece& piece = *pieces[i];
        // The wanted bytes of a chunk in an order of its own may lie anywhere.
        const bool all = items_.Known(piece.item).odd != nullptr;
        buffers[i - first].resize(all ? piece.box.size() : piece.end - piece.begin);
        batch.push_back(
            {piece.item, all ? 0 : piece.begin, buffers[i - first], all ? piece.dtype : jobs[piece.job].dtype});
        file_of.push_back(metadata_.items[piece.item].file);
        job_of.push_back(piece.job);
      }
      // Not all of these bytes may be wanted: they are counted when they are in their places.
      ReadAll(batch, file_of, job_of, {options.threads, options.crc}, counted, report);
      ParallelFor(buffers.size(), options.threads > 0 ? options.threads : Cores(), [&](std::size_t i) {
        const Piece& piece = *pieces[first + i];
        std::span<const std::byte> src = buffers[i];
        if (const TensorView* odd = items_.Known(piece.item).odd.get()) {
          buffers[i] = RowMajor(*odd, buffers[i]);
          src = std::span<const std::byte>(buffers[i]).subspan(piece.begin, piece.end - piece.begin);
        }
        piece.box.Scatter(piece.begin, src, jobs[piece.job].dst, jobs[piece.job].begin);
      });
      for (; first < last; ++first) progress.Add(pieces[first]->end - pieces[first]->begin);
      progress.Tell();
    }
  }

  static std::vector<std::byte> RowMajor(const TensorView& view, std::span<const std::byte> storage) {
    std::vector<std::byte> bytes(view.nbytes());
    Gather(view, storage.data() + static_cast<std::size_t>(view.storage_offset) * ItemSize(view.dtype), bytes.data());
    constexpr bool kBig = std::endian::native == std::endian::big;
    if (kBig) SwapBytes(bytes, view.dtype);
    ResolveBits(view, bytes);
    if (kBig) SwapBytes(bytes, view.dtype);
    return bytes;
  }

  std::unique_ptr<FileSource> source_;
  DcpMetadata metadata_;
  DcpItems items_;
  std::vector<Home> homes_;        // of each storage
  std::vector<OpenValue> values_;  // those that hold storages
};

}  // namespace

// The first thing that the pickle names is its class.
bool IsDcpMetadata(std::string_view head) {
  return head.size() > 2 && head[0] == '\x80' &&
         head.substr(2, 64).find("torch.distributed.checkpoint.metadata") != std::string_view::npos;
}

std::shared_ptr<const Checkpoint> OpenDcp(std::string path, std::unique_ptr<FileSource> metadata,
                                          const OpenOptions& options) {
  return std::make_shared<Dcp>(std::move(path), std::move(metadata), options);
}

}  // namespace loadpath
