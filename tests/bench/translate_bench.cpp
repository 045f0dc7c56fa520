/// The translation paths and the FHIR paths that need no server, each against its ceiling, on one core.
/// Rates are items per second of CPU time of the measuring thread.
///
/// Usage: translate_bench                 the table's lines
///        translate_bench allocations     how often each path asks for memory, and nothing else
///        translate_bench once PATH       100 items of one path and nothing else, between markers for
///        callgrind
///                                        (--collect-atstart=no --toggle-collect=bench_items)
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/search/values.hpp"
#include "fhir/validate/structure.hpp"
#include "mappings/language/translator.hpp"
#include "tests/bench/ceiling_adt.hpp"
#include "tests/bench/harness.hpp"
#include "tests/support/allocations.hpp"

#include <fmt/format.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <malloc.h>
#include <map>
#include <optional>
#include <stdexcept>

namespace {

namespace language = mappings::language;
using mappings::hl7v2::Message;

constexpr int kRounds = 5;
constexpr double kSecondsPerRound = 0.25;
constexpr int kItemsOnce = 100;
constexpr std::string_view kControlId = "BENCH1", kTimestamp = "20250302160000";

template <class T>
T must(fhir::Result<T> result) {
  if (!result) throw std::runtime_error(fhir::to_line(result.error()));
  return std::move(*result);
}

/// One of our own sample messages.
std::string sample(std::string const& name) {
  std::ifstream file(HANDOFF_SOURCE_DIR "/tests/corpora/v2/" + name, std::ios::binary);
  if (!file) throw std::runtime_error("no sample " + name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> some_references(std::size_t count) {
  std::vector<std::string> references;
  for (std::size_t i = 0; i < count; ++i) references.push_back(fmt::format("Resource/{:032x}", i + 1));
  return references;
}

Message parse(std::string_view bytes) {
  fhir::Issues forgiven;
  return must(Message::parse(bytes, {}, forgiven));
}

// ------------------------------------------------------------------------------------------------ v2 -> FHIR

class Forward {
 public:
  explicit Forward(std::string bytes) : bytes_(std::move(bytes)) {
    auto const message = parse(bytes_);
    references_ =
        some_references(must(language::forward(language::builtin(), message, {})).resources.size() + 8);
  }
  std::string const& ours() {
    out_.clear();
    auto const message = parse(bytes_);
    auto draft = must(language::forward(language::builtin(), message, profile_));
    language::resolve_references(draft, std::span(references_).first(draft.resources.size()));
    for (auto const& resource : draft.resources) {
      fhir::json::write(resource.content, out_);
      out_.push_back('\n');
    }
    return out_;
  }
  std::string const& ceiling() {
    out_.clear();
    bench::adt_to_fhir(parse(bytes_), references_, out_);
    return out_;
  }

 private:
  std::string bytes_, out_;
  language::PartnerProfile profile_;
  std::vector<std::string> references_;
};

// ------------------------------------------------------------------------------------------------ FHIR -> v2

class Reverse {
 public:
  Reverse(std::string const& bytes, std::string_view code, std::string_view trigger,
          std::string_view structure)
      : code_(code), trigger_(trigger), structure_(structure) {
    auto const message = parse(bytes);
    auto draft = must(language::forward(language::builtin(), message, {}));
    bundle_ = fhir::json::write(language::to_bundle(draft));
  }
  std::string const& ours() {
    arena_.reset();
    auto const bundle = must(fhir::json::read(bundle_, arena_));
    auto request = must(language::from_bundle(language::builtin(), structure_, bundle));
    request.message_code = code_;
    request.trigger_event = trigger_;
    request.structure = structure_;
    request.control_id = kControlId;
    request.timestamp = kTimestamp;
    out_ = must(language::reverse(language::builtin(), request, profile_)).image.bytes();
    return out_;
  }
  std::string const& ceiling() {
    out_ = code_ == "ADT" ? bench::adt_to_v2(bundle_, {kControlId, kTimestamp})
                          : bench::ref_to_v2(bundle_, {kControlId, kTimestamp});
    return out_;
  }
  std::string const& bundle() const { return bundle_; }

 private:
  std::string_view code_, trigger_, structure_;
  std::string bundle_, out_;
  fhir::json::Arena arena_;
  language::PartnerProfile profile_;
};

// ---------------------------------------------------------------------------------- structure and search

/// A resource that is in memory already: judged, and made findable; against parsing and writing its bytes.
class Examine {
 public:
  explicit Examine(std::string const& lines) {
    for (std::size_t begin = 0; begin < lines.size();) {
      auto const end = lines.find('\n', begin);
      texts_.push_back(lines.substr(begin, end - begin));
      begin = end + 1;
    }
    for (auto const& text : texts_) resources_.push_back(must(fhir::json::read(text, arena_)));
  }
  void ours() {
    for (auto const& resource : resources_) {
      issues_.clear();
      fhir::validate::validate_structure(resource, issues_);
      fhir::search::extract(resource, values_);
    }
  }
  void ceiling() {
    for (auto const& text : texts_) {
      rapidjson::MemoryPoolAllocator<> pool(pool_.data(), pool_.size());
      rapidjson::Document document(&pool);
      document.Parse(text.data(), text.size());
      buffer_.Clear();
      rapidjson::Writer<rapidjson::StringBuffer> writer(buffer_);
      document.Accept(writer);
    }
  }

 private:
  fhir::json::Arena arena_;
  std::vector<std::string> texts_;
  std::vector<fhir::json::Element> resources_;
  fhir::Issues issues_;
  fhir::search::IndexValues values_;
  std::vector<char> pool_ = std::vector<char>(256 * 1024);
  rapidjson::StringBuffer buffer_;
};

// ----------------------------------------------------------------------------------------------- the runs

std::vector<std::string_view> lines_of(std::string_view text, char end) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    auto const at = text.find(end);
    lines.push_back(text.substr(0, at));
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  }
  return lines;
}

/// A ceiling that does less than we do would be no ceiling: says where the two differ.
void print_difference(std::string_view ours, std::string_view ceiling, char end) {
  auto const left = lines_of(ours, end), right = lines_of(ceiling, end);
  if (left.size() != right.size()) {
    bench::print_note(fmt::format("the ceiling made {} where ours made {}", right.size(), left.size()));
  }
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    if (left[i] == right[i]) continue;
    if (end == '\n' &&
        must(fhir::json::read_document(left[i])).root == must(fhir::json::read_document(right[i])).root) {
      continue;  // the order of members says nothing
    }
    bench::print_note(fmt::format("the ceiling differs:\n    ours    {}\n    ceiling {}", left[i], right[i]));
  }
}

/// What all tables take, compiled: time from text to tables, and memory that stays allocated for them.
void report_tables() {
  auto const in_use = [] { return static_cast<double>(mallinfo2().uordblks) / (1024 * 1024); };
  double const before = in_use();
  std::vector<double> seconds;
  std::optional<language::Maps> maps;
  double held = 0;
  for (int round = 0; round < kRounds; ++round) {
    maps.reset();
    double const start = bench::thread_cpu_seconds();
    maps = language::compile(language::builtin_files()).maps;
    seconds.push_back(bench::thread_cpu_seconds() - start);
    held = in_use() - before;
  }
  bench::print_note(fmt::format(
      "{} structures compiled in {:.0f} ms of CPU (goal: start to ready under 300 ms), {:.1f} MiB "
      "(goal: under 32)",
      maps->structures().size(), 1000 * bench::median(seconds), held));
}

std::size_t field_count(std::string_view v2) {
  auto const message = parse(v2);
  std::size_t fields = 0;
  for (std::uint32_t segment = 0; segment < message.segment_count(); ++segment) {
    for (std::uint16_t field = 1; field <= message.field_count(segment); ++field)
      fields += message.raw({segment, field}).empty() ? 0 : 1;
  }
  return fields;
}

/// Allocations of one message in steady state, of which none should be a field's own.
void report_allocations(std::string const& name, std::size_t fields, std::function<void()> const& ours,
                        std::function<void()> const& ceiling) {
  auto const count = [](std::function<void()> const& item) {
    item();
    item();
    std::size_t const before = support::allocations();
    for (int i = 0; i < kItemsOnce; ++i) item();
    return static_cast<double>(support::allocations() - before) / kItemsOnce;
  };
  double const made = count(ours);
  bench::print_note(
      fmt::format("{}: {:.0f} allocations a message, {:.2f} for each of its {} fields; ceiling {:.0f}", name,
                  made, made / static_cast<double>(fields), fields, count(ceiling)));
}

template <class Path>
void run(std::string const& name, Path& path, std::string const& goal, std::string const& bar) {
  auto const result = bench::compare(
      kRounds, [&] { return bench::per_cpu_second(kSecondsPerRound, [&] { path.ours(); }); },
      [&] { return bench::per_cpu_second(kSecondsPerRound, [&] { path.ceiling(); }); });
  bench::print_line(name, result, goal, bar);
}

}  // namespace

/// Extern and never inlined, so that callgrind can count what happens inside it and nothing else.
extern "C" __attribute__((noinline)) void bench_items(std::function<void()> const& item) {
  for (int i = 0; i < kItemsOnce; ++i) item();
}

int main(int argc, char** argv) try {
  auto const adt = sample("ADT_A01/01-admit.hl7");
  auto const ref = sample("REF_I12/01-worked-loop.hl7");
  Forward forward(adt);
  Reverse reverse_adt(adt, "ADT", "A01", "ADT_A01");
  Reverse reverse_ref(ref, "REF", "I12", "REF_I12");
  Examine examine(forward.ours());

  auto const count_allocations = [&] {
    report_allocations(
        "v2 -> FHIR, ADT^A01", field_count(adt), [&] { forward.ours(); }, [&] { forward.ceiling(); });
    report_allocations(
        "FHIR -> v2, ADT^A01", field_count(reverse_adt.ours()), [&] { reverse_adt.ours(); },
        [&] { reverse_adt.ceiling(); });
    report_allocations(
        "FHIR -> v2, REF^I12", field_count(reverse_ref.ours()), [&] { reverse_ref.ours(); },
        [&] { reverse_ref.ceiling(); });
  };
  if (argc == 2 && argv[1] == std::string_view("allocations")) {
    count_allocations();
    return 0;
  }
  if (argc == 3 && argv[1] == std::string_view("once")) {
    std::map<std::string_view, std::function<void()>> const paths{
        {"forward", [&] { forward.ours(); }},         {"forward-ceiling", [&] { forward.ceiling(); }},
        {"reverse", [&] { reverse_adt.ours(); }},     {"reverse-ceiling", [&] { reverse_adt.ceiling(); }},
        {"reverse-ref", [&] { reverse_ref.ours(); }}, {"reverse-ref-ceiling", [&] { reverse_ref.ceiling(); }},
        {"examine", [&] { examine.ours(); }},         {"examine-ceiling", [&] { examine.ceiling(); }}};
    paths.at(argv[2])();  // warm
    bench_items(paths.at(argv[2]));
    return 0;
  }

  run(fmt::format("v2 -> FHIR, ADT^A01 of {} bytes", adt.size()), forward, "0.6", "20,000/s");
  std::string const ours = forward.ours();
  print_difference(ours, forward.ceiling(), '\n');
  run(fmt::format("FHIR -> v2, ADT^A01 of {} resources", lines_of(ours, '\n').size()), reverse_adt, "0.6",
      "20,000/s");
  std::string const adt_back = reverse_adt.ours();
  print_difference(adt_back, reverse_adt.ceiling(), '\r');
  run("FHIR -> v2, REF^I12", reverse_ref, "0.6", "20,000/s");
  std::string const ref_back = reverse_ref.ours();
  print_difference(ref_back, reverse_ref.ceiling(), '\r');
  run("structure + search values, those resources", examine, "0.5", "0.33");
  count_allocations();
  report_tables();
} catch (std::exception const& failure) {
  fmt::print(stderr, "translate_bench: {}\n", failure.what());
  return 1;
}
