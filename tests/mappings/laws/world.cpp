#include "world.hpp"

#include "mappings/language/program.hpp"
#include "tests/mappings/hl7v2/corpus.hpp"
#include "tests/mappings/maps/own_corpus.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace mappings::laws {

namespace {

/// Tells the values of one element; references lead to a role's name or are followed.
class Teller {
 public:
  Teller(Translated const& from, std::set<std::string>& lines) : from_(from), lines_(lines) {}

  void tell(Element const& element, std::string const& path, int depth) {
    if (element.is_object()) {
      std::string_view const reference = element.text_at("reference");
      if (!reference.empty()) tell_target(reference, path, depth);
      for (auto const& member : element.members()) {
        if (member.name == "reference" || member.name == "id" || member.name == "resourceType") continue;
        tell(member.value, path + "." + std::string(member.name), depth);
      }
    } else if (element.is_array()) {
      for (std::size_t at = 0; at < element.size(); ++at)
        tell(element.items()[at], path + "[" + std::to_string(at) + "]", depth);
    } else {
      lines_.insert(path + " = " + std::string(element.text()));
    }
  }

 private:
  void tell_target(std::string_view reference, std::string const& path, int depth) {
    for (std::size_t at = 0; at < from_.references.size(); ++at) {
      if (from_.references[at] != reference) continue;
      if (!from_.draft.resources[at].role.empty())
        lines_.insert(path + " -> " + from_.name_of(at));
      else if (depth < 4)
        tell(from_.resources[at], path + ">", depth + 1);
      return;
    }
    lines_.insert(path + " -> " + std::string(reference));
  }

  Translated const& from_;
  std::set<std::string>& lines_;
};

std::uint64_t number_from(char const* name, std::uint64_t otherwise) {
  char const* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string for_a_file(std::string bytes) {
  for (char& c : bytes) {
    if (c == '\r') c = '\n';
  }
  return bytes;
}

class Proof {
 public:
  Proof(Law const& law, std::map<std::string, std::string> const& excused) : law_(law), excused_(excused) {}

  Tally run() {
    for (auto const& one : hl7v2::test::corpus_messages()) count(tally_.public_messages, one.name, one.bytes);
    for (auto const& one : maps::test::own_messages()) count(tally_.own, one.name, one.bytes);
    for (auto const& one : kept_cases()) count(tally_.kept, one.name, one.bytes);
    std::uint64_t const first = number_from("LAWS_SEED", 1);
    std::uint64_t const count = number_from("LAWS_GENERATED", 100);
    for (std::uint64_t seed = first; seed < first + count && failures_ < 3; ++seed) generated(seed);
    return tally_;
  }

 private:
  void count(std::size_t& counter, std::string const& name, std::string_view bytes) {
    std::string const broken = law_(bytes);
    if (broken == kDoesNotApply) return;
    ++counter;
    auto const excuse = excused_.find(name);
    if (excuse != excused_.end())
      EXPECT_NE(broken, "") << name << " is excused (" << excuse->second
                            << ") but the law holds: take the excuse out";
    else
      EXPECT_TRUE(broken.empty()) << name << "\n" << broken;
  }

  void generated(std::uint64_t seed) {
    Spec const spec = generate(seed);
    std::string const broken = law_(spec.bytes());
    if (broken == kDoesNotApply) return;
    ++tally_.generated;
    if (excused_.contains("generated " + structure_of(spec.bytes()))) return;
    if (broken.empty()) return;
    ++failures_;
    Spec const least = shrink(spec, [&](Spec const& less) {
      std::string const again = law_(less.bytes());
      return !again.empty() && again != kDoesNotApply;
    });
    ADD_FAILURE() << "seed " << seed << ", shrunk; keep it in tests/mappings/laws/cases:\n"
                  << for_a_file(least.bytes()) << law_(least.bytes());
  }

  static std::string structure_of(std::string_view bytes) {
    auto const read = translate(bytes);
    return read == nullptr ? std::string() : std::string(read->draft.structure);
  }

  Law const& law_;
  std::map<std::string, std::string> const& excused_;
  Tally tally_;
  int failures_ = 0;
};

}  // namespace

language::PartnerProfile site() {
  language::PartnerProfile made;
  made.name = "site";
  return made;
}

bool is_query(Translated const& from) {
  return std::ranges::any_of(from.draft.resources, [](auto const& one) { return one.type == "Parameters"; });
}

Element const* Translated::find(std::string_view reference) const {
  for (std::size_t at = 0; at < references.size(); ++at) {
    if (references[at] == reference) return &resources[at];
  }
  return nullptr;
}

std::string Translated::name_of(std::size_t resource) const {
  auto const& one = draft.resources[resource];
  if (one.role.empty()) return std::string(one.type);
  return std::string(one.role) + "#" + std::to_string(one.instance);
}

namespace {

std::unique_ptr<Translated> translate(std::string_view bytes, hl7v2::ParseOptions const& options) {
  fhir::Issues warnings;
  auto message = hl7v2::Message::parse(bytes, options, warnings);
  if (!message) return nullptr;
  auto made = std::make_unique<Translated>(Translated{std::move(*message), {}, {}, {}, {}});
  auto draft = language::forward(language::builtin(), made->message, site());
  if (!draft) return nullptr;
  made->draft = std::move(*draft);
  for (std::size_t at = 0; at < made->draft.resources.size(); ++at)
    made->references.push_back(std::string(made->draft.resources[at].type) + "/" + std::to_string(at));
  for (std::size_t at = 0; at < made->draft.resources.size(); ++at) {
    Element resource = language::apply(made->draft, at, nullptr, made->arena, made->references);
    resource.set(made->arena, "id", Element::of_string(made->arena.copy(std::to_string(at))));
    made->resources.push_back(resource);
  }
  return made;
}

}  // namespace

std::unique_ptr<Translated> translate(std::string_view bytes) { return translate(bytes, {}); }

std::unique_ptr<Translated> translate_utf8(std::string_view image_bytes) {
  hl7v2::ParseOptions options;
  options.bytes_are_utf8 = true;
  return translate(image_bytes, options);
}

language::ReverseRequest request_of(Translated const& from, bool keep_seed) {
  language::ReverseRequest request;
  request.message_code = from.draft.message_code;
  request.trigger_event = from.draft.trigger_event;
  request.structure = from.draft.structure;
  for (std::size_t at = 0; at < from.draft.resources.size(); ++at) {
    if (!from.draft.resources[at].role.empty())
      request.resources.push_back({from.draft.resources[at].role, &from.resources[at], {}});
  }
  request.resolve = [&from](std::string_view reference) { return from.find(reference); };
  request.control_id = "X1";
  request.timestamp = "20250101000000+0000";
  if (keep_seed) {
    request.seed = &from.message;
    request.keep_header = true;
  } else {
    for (auto const& fact : from.draft.facts) {
      if (fact.name != "referral.information")
        request.facts.push_back({fact.name, fact.text()});  // Task.note says it
    }
  }
  return request;
}

std::set<std::string> lines_of(Translated const& from) {
  std::set<std::string> lines;
  Teller teller(from, lines);
  for (std::size_t at = 0; at < from.resources.size(); ++at) {
    if (!from.draft.resources[at].role.empty()) teller.tell(from.resources[at], from.name_of(at), 0);
  }
  for (auto const& fact : from.draft.facts)
    lines.insert("@" + std::string(fact.name) + " = " + std::string(fact.text()));
  return lines;
}

std::set<std::string> lines_of(Translated const& from, std::size_t resource, Element const& content) {
  std::set<std::string> lines;
  Teller(from, lines).tell(content, from.name_of(resource), 0);
  return lines;
}

std::string difference(std::set<std::string> const& wanted, std::set<std::string> const& got,
                       std::function<bool(std::string const&)> const& counts) {
  std::string text;
  for (auto const& line : wanted) {
    if (!got.contains(line) && counts(line)) text += "- " + line + "\n";
  }
  for (auto const& line : got) {
    if (!wanted.contains(line) && counts(line)) text += "+ " + line + "\n";
  }
  return text;
}

/// "visit#1.participant.individual" without indexes.
std::string without_indexes(std::string_view path) {
  std::string out;
  bool inside = false;
  for (char const c : path) {
    if (c == '[') inside = true;
    if (!inside) out += c;
    if (c == ']') inside = false;
  }
  return out;
}

language::Row const* row_named(std::string_view id) {
  auto const& program = language::builtin().program();
  for (auto const& map : program.segments) {
    for (auto const& row : map.rows) {
      if (row.id == id) return &row;
    }
  }
  for (auto const& row : program.structure_rows) {
    if (row.id == id) return &row;
  }
  return nullptr;
}

Tally prove(Law const& law, std::map<std::string, std::string> const& excused) {
  return Proof(law, excused).run();
}

}  // namespace mappings::laws
