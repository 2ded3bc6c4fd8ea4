#include "jumptable.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace tpcc {

namespace {

// Beyond, it is no table of a compiler.
constexpr uint64_t MostEntries = 1 << 16;

uint64_t decode(const Value &V, const uint8_t *Entry) {
  uint64_t Number = 0;
  for (unsigned N = 0; N < V.width; N++)
    Number |= uint64_t(Entry[N]) << 8 * N;
  if (V.sign)
    Number = SignExtend64(Number, V.width * 8);
  return V.kind == Value::Table ? Number : V.number + (Number << V.shift);
}

} // namespace

std::optional<std::vector<uint64_t>> jumpTargets(const Image &I, const Value &V, const std::set<uint64_t> &Tables,
                                                 function_ref<bool(uint64_t)> IsTarget, const char *&Why) {
  uint64_t End = I.endOfObject(V.id);
  if (!V.bounded)
    if (auto Next = Tables.upper_bound(V.id); Next != Tables.end())
      End = std::min(End, *Next);
  ArrayRef<uint8_t> Bytes = I.constants(V.id, End - V.id);
  if (Bytes.empty()) {
    Why = "jumps through a table that is not in constant memory";
    return std::nullopt;
  }
  std::vector<uint64_t> Targets;
  uint64_t Count = Bytes.size() / V.width;
  if (V.bounded && V.lastIndex >= Count) {
    Why = "jumps through a table that is shorter than its greatest index";
    return std::nullopt;
  }
  Count = std::min(Count, MostEntries);
  for (uint64_t N = 0; N < Count && N <= V.lastIndex; N++) {
    uint64_t To = decode(V, Bytes.data() + N * V.width);
    if (IsTarget(To)) {
      Targets.push_back(To);
    } else if (V.bounded) {
      Why = "jumps through a table that has an entry outside of the function";
      return std::nullopt;
    } else {
      break;
    }
  }
  if (V.bounded && V.lastIndex >= MostEntries) {
    Why = "jumps through a table without a bound";
    return std::nullopt;
  }
  if (Targets.empty()) {
    Why = "jumps through a table none of whose entries is in the function";
    return std::nullopt;
  }
  return Targets;
}

} // namespace tpcc
