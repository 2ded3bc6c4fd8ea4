#include "report.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace llvm;

namespace tpcc {

static std::string hex(uint64_t Address) { return formatv("{0:x}", Address).str(); }

// A long way is as good as its ends.
static constexpr unsigned LongestPath = 12;

static std::string pathText(const Violation &V) {
  std::string Text;
  for (unsigned N = 0; N < V.path.size(); N++) {
    bool Skip = V.path.size() > LongestPath && N >= LongestPath / 2 && N < V.path.size() - LongestPath / 2;
    if (Skip && N != LongestPath / 2)
      continue;
    Text += (N ? " -> " : "") + (Skip ? std::string("...") : hex(V.path[N]));
  }
  return Text;
}

void printText(raw_ostream &Out, StringRef File, const Violation &V) {
  Out << File << ": " << V.function << ": site " << hex(V.site) << ": " << kindName(V.kind);
  if (!V.where.empty())
    Out << " " << V.where;
  Out << ": " << V.why << "\n    at " << hex(V.at) << ": " << V.text;
  if (!V.path.empty())
    Out << "; path " << pathText(V);
  Out << "\n";
}

void printJSON(raw_ostream &Out, StringRef File, const Violation &V) {
  json::OStream J(Out);
  J.object([&] {
    J.attribute("file", File);
    J.attribute("function", V.function);
    J.attribute("site", hex(V.site));
    J.attribute("kind", kindName(V.kind));
    if (!V.where.empty())
      J.attribute(V.kind == Kind::Slot ? "slot" : "register", V.where);
    J.attribute("at", hex(V.at));
    J.attribute("text", V.text);
    J.attribute("why", V.why);
  });
  Out << "\n";
}

} // namespace tpcc
