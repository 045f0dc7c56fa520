#include "mappings/coverage/probe.hpp"

#include "mappings/hl7v2/dictionary.hpp"

#include <algorithm>
#include <cctype>

namespace mappings::coverage {

namespace {

/// Texts that some component of some data type understands: plain ones, an authority, times, numbers, codes.
constexpr std::string_view kSamples[] = {"X1",
                                         "9.8",
                                         "7",
                                         "X1&1.2.840&ISO",
                                         "X1&Y&Z",
                                         "20200102",
                                         "20200102&20210304",
                                         "1201",
                                         "HL70001",
                                         "L",
                                         "H",
                                         "B",
                                         "Y",
                                         "M",
                                         "MR",
                                         "PRN",
                                         "WPN",
                                         "NET",
                                         "PH",
                                         "CP",
                                         "Internet",
                                         "BA",
                                         "ISO",
                                         "N",
                                         "D",
                                         ">",
                                         "-",
                                         ":",
                                         "A",
                                         "UUID",
                                         "text",
                                         "Base64"};

using Texts = std::map<std::string, std::set<std::string>>;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// Every text of the tree by its path; `_birthDate` counts as `birthDate`, which carries its extensions.
void gather(fhir::json::Element const& element, std::string const& path, Texts& texts) {
  for (fhir::json::Element const& item : element.items()) gather(item, path, texts);
  for (fhir::json::Member const& member : element.members()) {
    std::string_view const name = member.name.starts_with('_') ? member.name.substr(1) : member.name;
    gather(member.value, path.empty() ? lower(name) : path + "." + lower(name), texts);
  }
  if (!element.is_array() && !element.is_object()) texts[path].insert(std::string(element.text()));
}

/// A pair and a message for it to stand in.
class Bench {
 public:
  Bench(types::Pair const& pair, std::size_t part)
      : pair_(pair), part_(part), separator_(part == 0 ? '^' : '&') {
    fhir::Issues ignored;
    message_.emplace(
        *hl7v2::Message::parse("MSH|^~\\&|A|B|C|D|20250101||ADT^A01|1|P|2.8\rOBX|1|ST|X||Y\r", {}, ignored));
    partner_.name = "site";
  }

  Texts run(std::vector<std::string> const& components) {
    std::string value;
    for (std::string const& one : components)
      value.append(value.empty() && &one == &components[0] ? "" : std::string(1, separator_)).append(one);
    if (part_ != 0) value.insert(0, part_ - 1, '^');
    fhir::json::Arena arena;
    types::Context const context{&arena, &*message_, &partner_, &systems_};
    types::In in(context, value, {1, 5, 1, 0, 0});
    fhir::json::Element out;
    Texts texts;
    if (pair_.forward(in, out)) gather(out, "", texts);
    return texts;
  }

 private:
  types::Pair const& pair_;
  std::size_t part_;
  char separator_;
  std::optional<hl7v2::Message> message_;
  language::PartnerProfile partner_;
  types::CodeSystems systems_;
};

}  // namespace

Probe::Probe(types::Pair const& pair, std::string_view data_type, std::size_t part) {
  Bench bench(pair, part);
  std::size_t const count = std::max<std::size_t>(1, hl7v2::component_count(hl7v2::Version::v2_8, data_type));
  // Beside which others a component stands: none, all, or one of the first three.
  std::vector<std::vector<std::string>> company{std::vector<std::string>(count),
                                                std::vector<std::string>(count, "X2")};
  for (std::size_t other = 0; other < std::min<std::size_t>(count, 3); ++other) {
    for (char const* const text : {"X2", "NET", "6", ">"}) {
      company.emplace_back(count);
      company.back()[other] = text;
    }
  }
  for (auto const& others : company) {
    for (std::size_t number = 1; number <= count; ++number) {
      auto components = others;
      components[number - 1].clear();
      Texts const without = bench.run(components);
      for (std::string_view const sample : kSamples) {
        if (part != 0 && sample.find('&') != std::string_view::npos) continue;
        components[number - 1] = sample;
        for (auto& [path, texts] : bench.run(components)) {
          auto const before = without.find(path);
          Seen& seen = seen_[number];
          if (before == without.end() || before->second != texts) seen.changed.insert(path);
          seen.texts[path].merge(texts);
        }
      }
    }
  }
}

bool Probe::reaches(std::size_t number, std::string_view path) const {
  std::string const wanted = lower(path);
  for (auto const& [component, seen] : seen_) {
    if (number != 0 && component != number) continue;
    for (std::string const& changed : seen.changed) {
      if (changed == wanted || wanted.empty() || changed.starts_with(wanted + ".")) return true;
    }
  }
  return false;
}

bool Probe::writes(std::size_t number, std::string_view path, std::string_view value) const {
  for (auto const& [component, seen] : seen_) {
    if (number != 0 && component != number) continue;
    auto const found = seen.texts.find(lower(path));
    if (found != seen.texts.end() && found->second.contains(std::string(value))) return true;
  }
  return false;
}

}  // namespace mappings::coverage
