#include "harness/checkpoint/formats/zip/directory.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "harness/base/error.h"
#include "harness/checkpoint/formats/zip/other_archives.h"
#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/little_endian.h"
#include "harness/checkpoint/read/inflate.h"

namespace loadpath {
namespace {

constexpr std::uint32_t kLocalSignature = 0x04034b50, kEntrySignature = 0x02014b50, kEndSignature = 0x06054b50,
                        kEnd64Signature = 0x06064b50, kLocatorSignature = 0x07064b50;
constexpr std::size_t kEntryBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20, kMaxComment = 0xffff;
constexpr std::uint16_t kEncrypted = 0x0001, kDataDescriptor = 0x0008, kPatched = 0x0020, kStrongEncryption = 0x0040,
                        kMasked = 0x2000;
constexpr std::uint16_t kZip64Tag = 0x0001;
constexpr std::uint32_t kIn64 = 0xffffffff;

// Returns how many bytes are missing if a part of the last records is left; 0 if that cannot be told. Everything that
// PyTorch writes ends with the zip64 end record (56 bytes), its locator (20) and the end record (22).
std::uint64_t MissingAtEnd(std::span<const std::byte> tail) {
  constexpr std::size_t kAll = kEnd64Bytes + kLocatorBytes + kEndBytes;
  for (std::size_t left = kAll - 1; left >= 4; --left) {
    if (tail.size() < left) continue;
    const std::uint32_t signature = LittleEndian<std::uint32_t>(tail.data() + (tail.size() - left));
    if (signature == kEnd64Signature) return kAll - left;
    if (signature == kEndSignature && left < kEndBytes) return kEndBytes - left;
  }
  return 0;
}

}  // namespace

void ZipDirectory::Bad(std::string_view sentence, std::uint64_t offset) const {
  source_.Fail(ErrorCode::kBadArchive, sentence, {}, offset);
}

void ZipDirectory::Bad(std::string_view sentence, const ZipRecord& record) const {
  source_.Fail(ErrorCode::kBadArchive, sentence, name(record), record.header);
}

ZipDirectory::ZipDirectory(const FileSource& source) : source_(source) {
  ReadEnd();
  IndexNames();
}

// Reads the end record, the zip64 end record if there is one, and the directory that they point to. Each must end
// exactly at the beginning of the next.
void ZipDirectory::ReadEnd() {
  const std::uint64_t size = source_.size();
  const std::uint64_t tail_size = std::min<std::uint64_t>(size, kEndBytes + kMaxComment + kLocatorBytes + kEnd64Bytes);
  std::vector<std::byte> tail(tail_size);
  source_.ReadAt(size - tail_size, tail);
  const auto at = [&](std::uint64_t offset) { return tail.data() + (offset - (size - tail_size)); };

  std::vector<std::uint64_t> ends;
  for (std::uint64_t back = kEndBytes; back <= std::min<std::uint64_t>(tail_size, kEndBytes + kMaxComment); ++back) {
    const std::byte* p = at(size - back);
    if (LittleEndian<std::uint32_t>(p) == kEndSignature && LittleEndian<std::uint16_t>(p + 20) == back - kEndBytes) {
      ends.push_back(size - back);
    }
  }
  if (ends.empty()) {
    if (const std::uint64_t missing = MissingAtEnd(tail); missing != 0) {
      Bad("is cut off: " + MissingText(missing) + " at its end");
    }
    Bad("is a zip archive without its directory, which stands at the end: the file is cut off (was the download or the "
        "copy complete?)");
  }
  if (ends.size() > 1) Bad("has two end-of-directory records: which one counts is ambiguous", ends[1]);
  const std::uint64_t end = ends[0];
  const std::byte* p = at(end);
  const std::uint16_t disk = LittleEndian<std::uint16_t>(p + 4), directory_disk = LittleEndian<std::uint16_t>(p + 6);
  std::uint64_t count = LittleEndian<std::uint16_t>(p + 10), bytes = LittleEndian<std::uint32_t>(p + 12),
                offset = LittleEndian<std::uint32_t>(p + 16), directory_end = end;
  if (disk != 0 || directory_disk != 0 || LittleEndian<std::uint16_t>(p + 8) != count) {
    Bad("is one part of a zip archive in several parts", end);
  }

  const bool has_locator =
      end >= kLocatorBytes && LittleEndian<std::uint32_t>(at(end - kLocatorBytes)) == kLocatorSignature;
  if (has_locator) {
    const std::byte* locator = at(end - kLocatorBytes);
    const std::uint64_t end64 = LittleEndian<std::uint64_t>(locator + 8);
    if (LittleEndian<std::uint32_t>(locator + 4) != 0 || LittleEndian<std::uint32_t>(locator + 16) > 1) {
      Bad("is one part of a zip archive in several parts", end - kLocatorBytes);
    }
    const std::uint64_t expected = end - kLocatorBytes >= kEnd64Bytes ? end - kLocatorBytes - kEnd64Bytes : 0;
    if (end64 > expected) {
      Bad("is cut off: " + MissingText(end64 - expected) + " before its directory's end", end);
    }
    if (end - kLocatorBytes < kEnd64Bytes || end64 != expected ||
        LittleEndian<std::uint32_t>(at(end64)) != kEnd64Signature ||
        LittleEndian<std::uint64_t>(at(end64) + 4) != kEnd64Bytes - 12) {
      Bad("has a zip64 end-of-directory record that is not where its locator points", end64);
    }
    const std::byte* q = at(end64);
    const std::uint64_t count64 = LittleEndian<std::uint64_t>(q + 32), bytes64 = LittleEndian<std::uint64_t>(q + 40),
                        offset64 = LittleEndian<std::uint64_t>(q + 48);
    if (LittleEndian<std::uint32_t>(q + 16) != 0 || LittleEndian<std::uint32_t>(q + 20) != 0 ||
        LittleEndian<std::uint64_t>(q + 24) != count64) {
      Bad("is one part of a zip archive in several parts", end64);
    }
    if ((count != 0xffff && count != count64) || (bytes != kIn64 && bytes != bytes64) ||
        (offset != kIn64 && offset != offset64)) {
      Bad("has two end-of-directory records that disagree", end64);
    }
    count = count64, bytes = bytes64, offset = offset64, directory_end = end64;
  } else if (count == 0xffff || bytes == kIn64 || offset == kIn64) {
    Bad("needs a zip64 end-of-directory record, which is missing", end);
  }

  if (bytes > size || offset > size || offset + bytes > directory_end) {
    const bool plausible = offset < size * 1024 && bytes < size * 1024;
    Bad(plausible ? "is cut off: " + MissingText(offset + bytes - directory_end) + " before its directory"
                  : std::string("has a directory that lies outside the file"),
        end);
  }
  if (offset + bytes != directory_end) Bad("has bytes between its directory and the end record", offset + bytes);
  if (count > bytes / kEntryBytes) Bad("lists more records than its directory has room for", end);
  if (bytes > limits::kPickleBytes) source_.Fail(ErrorCode::kLimitExceeded, "has a directory of more than 1 GiB");
  directory_.resize(bytes);
  source_.ReadAt(offset, std::as_writable_bytes(std::span(directory_)));
  ParseEntries(count);
  CheckExtents(offset);
}

void ZipDirectory::ParseEntries(std::uint64_t count) {
  records_.reserve(count);
  std::size_t position = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const char* p = directory_.data() + position;
    if (directory_.size() - position < kEntryBytes || LittleEndian<std::uint32_t>(p) != kEntrySignature) {
      Bad("has a damaged directory: entry " + std::to_string(i) + " is malformed");
    }
    const std::uint16_t flags = LittleEndian<std::uint16_t>(p + 8), name_size = LittleEndian<std::uint16_t>(p + 28),
                        extra_size = LittleEndian<std::uint16_t>(p + 30),
                        comment_size = LittleEndian<std::uint16_t>(p + 32);
    const std::size_t entry = kEntryBytes + std::size_t{name_size} + extra_size + comment_size;
    if (directory_.size() - position < entry)
      Bad("has a damaged directory: entry " + std::to_string(i) + " is cut off");
    ZipRecord record;
    record.method = LittleEndian<std::uint16_t>(p + 10);
    record.crc = LittleEndian<std::uint32_t>(p + 16);
    record.stored = LittleEndian<std::uint32_t>(p + 20);
    record.size = LittleEndian<std::uint32_t>(p + 24);
    record.header = LittleEndian<std::uint32_t>(p + 42);
    record.name_offset = static_cast<std::uint32_t>(position + kEntryBytes);
    record.name_size = name_size;
    std::uint32_t disk = LittleEndian<std::uint16_t>(p + 34);

    // The zip64 extra field holds, in this order, just those fields that are 0xffffffff above.
    for (std::span<const char> extra(p + kEntryBytes + name_size, extra_size); !extra.empty();) {
      if (extra.size() < 4) Bad("has a damaged extra field in its directory", record);
      const std::uint16_t tag = LittleEndian<std::uint16_t>(extra.data());
      const std::size_t length = LittleEndian<std::uint16_t>(extra.data() + 2);
      if (extra.size() - 4 < length) Bad("has a damaged extra field in its directory", record);
      std::span<const char> field = extra.subspan(4, length);
      extra = extra.subspan(4 + length);
      if (tag != kZip64Tag) continue;
      for (std::uint64_t* value : {&record.size, &record.stored, &record.header}) {
        if (*value != kIn64) continue;
        if (field.size() < 8) Bad("has a zip64 field that is too short", record);
        *value = LittleEndian<std::uint64_t>(field.data());
        field = field.subspan(8);
      }
      if (disk == 0xffff && field.size() >= 4) disk = LittleEndian<std::uint32_t>(field.data());
    }
    if (disk != 0) Bad("is one part of a zip archive in several parts", record);
    if (flags & (kEncrypted | kStrongEncryption | kMasked)) Bad("is encrypted", record);
    if (flags & kPatched) Bad("holds patch data, not a record", record);
    if (record.method != 0 && record.method != 8) {
      Bad("is compressed by method " + std::to_string(record.method) + "; stored (0) and deflated (8) are read",
          record);
    }
    if (record.method == 0 && record.stored != record.size) Bad("is stored, but its two sizes differ", record);
    if (record.method == 8 && record.size / limits::kDeflateRatio > record.stored) {
      Bad("claims to inflate to more than deflate can hold", record);
    }
    records_.push_back(record);
    position += entry;
  }
  if (position != directory_.size()) Bad("has bytes in its directory that belong to no entry");
}

// Sorted by their headers, records must fit one after the other before the directory: overlapping records are how a few
// bytes pretend to be many.
void ZipDirectory::CheckExtents(std::uint64_t directory_offset) {
  std::vector<std::uint32_t> order(records_.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto by_header = [&](std::uint32_t a, std::uint32_t b) { return records_[a].header < records_[b].header; };
  if (!std::is_sorted(order.begin(), order.end(), by_header)) std::sort(order.begin(), order.end(), by_header);
  for (std::size_t i = 0; i < order.size(); ++i) {
    ZipRecord& record = records_[order[i]];
    const std::uint64_t next =
        i + 1 < order.size() ? std::min(records_[order[i + 1]].header, directory_offset) : directory_offset;
    if (record.header > next || next - record.header < kLocalHeaderBytes + record.name_size ||
        next - record.header - kLocalHeaderBytes - record.name_size < record.stored) {
      Bad(next == directory_offset ? "reaches past the records into the directory" : "overlaps the next record",
          record);
    }
    record.slot = next - record.header;
  }
}

void ZipDirectory::IndexNames() {
  if (records_.empty()) Bad("is a zip archive without any record");
  const std::string_view first = name(records_[0]);
  root_ = first.substr(0, first.find('/') + 1);
  if (!HoldsCheckpoint()) source_.Fail(ErrorCode::kUnknownFormat, OtherArchive(*this));
  by_name_ = HashIndex(records_.size());
  for (std::uint32_t i = 0; i < records_.size(); ++i) {
    const std::string_view full = name(records_[i]);
    if (full.find('\0') != std::string_view::npos || full.find('\\') != std::string_view::npos) {
      Bad("has a name with a NUL byte or a backslash", records_[i]);
    }
    if (!full.starts_with(root_)) Bad("lies outside the archive's folder " + root_, records_[i]);
    const std::string_view inner = full.substr(root_.size());
    if (inner == ".." || inner.starts_with("../") || inner.find("/../") != std::string_view::npos) {
      Bad("has a name that leaves the archive's folder", records_[i]);
    }
    if (by_name_.FindOrAdd(KeyedHash(inner), i, [&](std::uint32_t other) { return Inner(other) == inner; }) != i)
      Bad("stands twice in the directory", records_[i]);
  }
}

// The record that each kind of PyTorch's archives must have.
bool ZipDirectory::HoldsCheckpoint() const {
  constexpr std::string_view kMarks[] = {"data.pkl", "constants.pkl", "archive_format", "model.json",
                                         ".data/extern_modules"};
  return !root_.empty() && std::ranges::any_of(records_, [&](const ZipRecord& record) {
    const std::string_view full = name(record);
    return full.starts_with(root_) && std::ranges::find(kMarks, full.substr(root_.size())) != std::end(kMarks);
  });
}

const ZipRecord* ZipDirectory::Find(std::string_view name) const {
  const std::uint32_t found = by_name_.Find(KeyedHash(name), [&](std::uint32_t other) { return Inner(other) == name; });
  return found == HashIndex::kNone ? nullptr : &records_[found];
}

std::uint64_t ZipDirectory::Payload(const ZipRecord& record, std::span<const std::byte> head) const {
  const std::byte* p = head.data();
  if (LittleEndian<std::uint32_t>(p) != kLocalSignature) Bad("has no local header where the directory points", record);
  const std::uint16_t flags = LittleEndian<std::uint16_t>(p + 6), name_size = LittleEndian<std::uint16_t>(p + 26),
                      extra_size = LittleEndian<std::uint16_t>(p + 28);
  if (flags & (kEncrypted | kStrongEncryption | kMasked)) Bad("is encrypted", record);
  if (LittleEndian<std::uint16_t>(p + 8) != record.method) {
    Bad("has another compression method in its local header than in the directory", record);
  }
  if (name_size != record.name_size || std::memcmp(p + kLocalHeaderBytes, name(record).data(), name_size) != 0) {
    Bad("has another name in its local header than in the directory", record);
  }
  // With a data descriptor the three fields may be 0: the values stand behind the payload, and in the directory.
  const auto agrees = [&](std::uint32_t local, std::uint64_t value, bool may_be_in_zip64) {
    return local == value || (local == 0 && (flags & kDataDescriptor)) || (may_be_in_zip64 && local == kIn64);
  };
  if (!agrees(LittleEndian<std::uint32_t>(p + 14), record.crc, false) ||
      !agrees(LittleEndian<std::uint32_t>(p + 18), record.stored, true) ||
      !agrees(LittleEndian<std::uint32_t>(p + 22), record.size, true)) {
    Bad("has another size or checksum in its local header than in the directory", record);
  }
  const std::uint64_t before = kLocalHeaderBytes + std::uint64_t{name_size} + extra_size;
  if (before > record.slot || record.slot - before < record.stored) {
    Bad("does not fit between its local header and what follows", record);
  }
  return record.header + before;
}

std::vector<std::byte> ZipDirectory::Read(const ZipRecord& record, bool crc) const {
  std::vector<std::byte> head(kLocalHeaderBytes + record.name_size);
  source_.ReadAt(record.header, head);
  std::vector<std::byte> bytes(record.stored);
  source_.ReadAt(Payload(record, head), bytes);
  if (record.method == 8) {
    std::vector<std::byte> inflated(record.size);
    if (!Inflate(bytes, inflated)) Bad("cannot be inflated: its compressed bytes are damaged", record);
    bytes = std::move(inflated);
  }
  if (crc && record.crc != 0 && Crc32(0, bytes) != record.crc) {
    source_.Fail(ErrorCode::kBadCrc, "has bytes that do not match their CRC-32: the file is damaged", name(record),
                 record.header);
  }
  return bytes;
}

}  // namespace loadpath
