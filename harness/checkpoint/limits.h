#ifndef LOADPATH_HARNESS_CHECKPOINT_LIMITS_H_
#define LOADPATH_HARNESS_CHECKPOINT_LIMITS_H_

#include <cstddef>
#include <cstdint>

/// The limits of what the reader accepts. Everything else is bounded by the bytes that are really in the file.
namespace loadpath::limits {

/// Limits on work, rather than on bytes of a file, are 64 times smaller in the fuzz targets: reaching most of them
/// takes a tenth of a second (kMatchSteps some seconds), and ten times that with sanitizers. The tests that run with
/// sanitizers reach each, and set LOADPATH_WORK to 8, for their fuzz targets too.
#ifdef LOADPATH_WORK
inline constexpr std::uint64_t kWork = LOADPATH_WORK;
#elif defined(FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
inline constexpr std::uint64_t kWork = 1;
#else
inline constexpr std::uint64_t kWork = 64;
#endif

/// One pickle. 100,000 tensors take 20 MB; offsets into a pickle and counts of its values stay below 2^32.
inline constexpr std::uint64_t kPickleBytes = std::uint64_t{1} << 30;

/// Dimensions of a tensor: more than 64 cannot be used, TensorIterator's limit (c10 kDimVectorStaticSize is far below).
inline constexpr std::size_t kDimensions = 64;

/// Bytes of one integer: printing takes quadratic time, and Python itself refuses to print more than 4300 digits.
inline constexpr std::size_t kIntegerBytes = 1785;
inline constexpr std::size_t kIntegerDigits = 4300;

/// A line of a text opcode that names a global or holds a number. No name that PyTorch allows is longer than 64.
inline constexpr std::size_t kLineBytes = 8192;

/// Arguments that one allow-listed call takes: _rebuild_tensor_v3 and _rebuild_wrapper_subclass have 8.
inline constexpr std::size_t kArguments = 64;

/// deflate cannot shrink by more than 1032 (zlib's technical details): a larger claim is a bomb or a lie.
inline constexpr std::uint64_t kDeflateRatio = 1032;

/// An expanded tensor (larger than its storage, because a stride is 0) is gathered up to this many bytes: 2^40 elements
/// over a storage of 4 bytes are valid and harmless until somebody asks for a row-major copy.
inline constexpr std::uint64_t kExpandedBytes = std::uint64_t{1} << 30;

/// All distinct tensors of a file, read one by one, take at most so many times the bytes of their storages, and one
/// kExpandedBytes. (Slices beside the whole that they are cut from take twice as many; 300 views of everything, 300
/// times.)
inline constexpr std::uint64_t kViewsRatio = 16;

/// Places that one walk of a tree visits beyond 16 per node: a list that holds the same list twice, 40 levels deep, has
/// 2^40 places in a few hundred bytes.
inline constexpr std::uint64_t kWalkSteps = kWork << 18;

/// Characters of all names of the state dicts that are collected from modules, and entries that are searched for them:
/// a chain of N nested modules has names of N * N / 2 characters. The largest published models have 40,000 names of 60.
inline constexpr std::uint64_t kStateNameBytes = kWork << 21;

/// One source file of a TorchScript archive, inflated. GPT-2's largest, traced, has 200 KB.
inline constexpr std::uint64_t kSourceBytes = std::uint64_t{1} << 26;

/// The JSON that lists a torch.export archive's weights: 300 bytes a tensor, and up to 30 times as much memory once
/// parsed.
inline constexpr std::uint64_t kConfigBytes = std::uint64_t{1} << 25;

/// Nesting of objects and lists in that JSON. A symbolic size in a weight's list of sizes is at level 5.
inline constexpr std::size_t kConfigDepth = 8;

/// The header of a safetensors file: the format's own limit (safetensors/src/tensor.rs, MAX_HEADER_SIZE).
inline constexpr std::uint64_t kSafetensorsHeaderBytes = 100'000'000;

/// The index of a sharded checkpoint: as a safetensors header, which lists as much.
inline constexpr std::uint64_t kIndexBytes = 100'000'000;

/// Nesting of objects and lists in such an index. Known indexes have one level.
inline constexpr std::size_t kJsonDepth = 64;

/// Corners of chunks that are compared to prove that they cover a tensor, beyond 8 a chunk: 2^20 take 0.2 s. Only
/// dimensions that are split count, and nobody splits more than 3.
inline constexpr std::size_t kCorners = std::size_t{1} << 20;

/// List positions that the paths of a distributed checkpoint leave empty, beyond 16 an entry: an empty dict in a list
/// leaves one, and a position of 10^9 would make a list of as many.
inline constexpr std::size_t kListGaps = std::size_t{1} << 16;

/// Bytes of chunks that are read before they are put in their places, beyond one chunk: the memory that a read takes
/// beside its destinations.
inline constexpr std::uint64_t kChunkBatch = std::uint64_t{1} << 28;

/// Bytes of a key, and of an expression, that are matched with each other. Keys of published models have at most 200.
inline constexpr std::size_t kMatchedKey = 1024;

/// Bytes of the stack that a match must leave: between two looks at the name it goes through kMatchGroups groups.
inline constexpr std::size_t kStackReserve = std::size_t{1} << 17;

/// Opening brackets of an expression: it is compiled by recursion.
inline constexpr std::size_t kMatchGroups = 100;

/// Characters that the expressions of one set of rules look at, over all keys: a repetition inside a repetition tries
/// 2^n ways to match a key of n bytes. 40,000 keys of 60 bytes take some 5,000,000 a rule.
inline constexpr std::uint64_t kMatchSteps = kWork << 21;

/// Bytes of names that the search for rules goes through, over all dicts of a file: it tries some 500 rules, one after
/// the other, and a file may hold the same long names in many dicts. What is found by then is proposed.
inline constexpr std::uint64_t kProposalBytes = kWork << 22;

/// Values that a pickle's calls copy (tuple(x), set(x), OrderedDict(x)), beyond 16 a byte: a few bytes copy a list of
/// any length, again and again.
inline constexpr std::uint64_t kCopies = std::uint64_t{1} << 16;

}  // namespace loadpath::limits

#endif  // LOADPATH_HARNESS_CHECKPOINT_LIMITS_H_
