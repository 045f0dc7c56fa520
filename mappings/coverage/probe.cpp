#include "mappings/coverage/probe.hpp"

#include "mappings/coverage/text.hpp"
#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/hl7v2/escape.hpp"

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
                                         "Base64",
                                         "HV",
                                         "F"};

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

using Parts = std::vector<std::string>;

std::string join(Parts const& parts, char separator) {
  std::string text;
  for (std::size_t at = 0; at < parts.size(); ++at) {
    if (at > 0) text += separator;
    text += parts[at];
  }
  return text;
}

/// A pair and a message for it to stand in: an OBX whose value is of `data_type`.
class Bench {
 public:
  /// With `part` what is run is that part of the value that `sample` has.
  Bench(types::Pair const& pair, std::string_view data_type, std::size_t part, std::string_view sample)
      : pair_(pair), part_(part), whole_(split(sample, "^")) {
    fhir::Issues ignored;
    message_.emplace(*hl7v2::Message::parse(
        "MSH|^~\\&|A|B|C|D|20250101||ADT^A01|1|P|2.8\rOBX|1|" + std::string(data_type) + "|X||Y\r", {},
        ignored));
    partner_.name = "site";
    if (part_ > whole_.size()) whole_.resize(part_);
  }

  Texts run(Parts const& components) {
    std::string value = join(components, part_ == 0 ? '^' : '&');
    if (part_ != 0) {
      whole_[part_ - 1] = value;
      value = join(whole_, '^');
    }
    fhir::json::Arena arena;
    types::Context const context{&arena, &*message_, &partner_, &systems_};
    fhir::json::Element out;
    Texts texts;
    if (forward(context, value, out)) gather(out, "", texts);
    return texts;
  }

  /// Does what the pair makes of these components become a value with `text` in component `number` again?
  bool goes_back(Parts const& components, std::size_t number, std::string_view text) {
    fhir::json::Arena arena;
    types::Context const context{&arena, &*message_, &partner_, &systems_};
    std::string const value = join(components, '^');
    fhir::json::Element made;
    types::Out out(context);
    if (!forward(context, value, made) || !pair_.reverse(made, out)) return false;
    return std::ranges::any_of(out.leaves, [&](types::Leaf const& leaf) {
      return leaf.part == number && leaf.sub == 1 && leaf.text == text;
    });
  }

 private:
  bool forward(types::Context const& context, std::string_view value, fhir::json::Element& out) const {
    types::In in(context, value, {1, 5, 1, 0, 0});
    return pair_.forward(in, out);
  }

  types::Pair const& pair_;
  std::size_t part_;
  Parts whole_;
  std::optional<hl7v2::Message> message_;
  language::PartnerProfile partner_;
  types::CodeSystems systems_;
};

}  // namespace

Probe::Probe(types::Pair const& pair, std::string_view data_type, std::size_t part, std::string_view sample) {
  Bench bench(pair, data_type, part, sample);
  std::size_t const count = std::max<std::size_t>(1, hl7v2::component_count(hl7v2::Version::v2_8, data_type));
  // Beside which others a component stands: none, all, one of the first three, or those of the sample.
  std::vector<Parts> company{Parts(count), Parts(count, "X2")};
  for (std::size_t other = 0; other < std::min<std::size_t>(count, 3); ++other) {
    for (char const* const text : {"X2", "NET", "6", ">"}) {
      company.emplace_back(count);
      company.back()[other] = text;
    }
  }
  if (part == 0 && !sample.empty()) {
    company.push_back(split(sample, "^"));
    company.back().resize(std::max(count, company.back().size()));
  }
  for (Parts const& others : company) {
    for (std::size_t number = 1; number <= others.size(); ++number) {
      Parts components = others;
      components[number - 1].clear();
      Texts const without = bench.run(components);
      auto const look = [&](std::string_view text) {
        components[number - 1] = text;
        for (auto& [path, texts] : bench.run(components)) {
          auto const before = without.find(path);
          Seen& seen = seen_[number];
          if (before == without.end() || before->second != texts) seen.changed.insert(path);
          seen.texts[path].merge(texts);
        }
      };
      for (std::string_view const text : kSamples) {
        if (part == 0 || text.find('&') == std::string_view::npos) look(text);
      }
      look(others[number - 1]);
    }
  }
}

bool turns_code(types::Pair const& pair, CodeTrial const& trial, std::string_view path, std::string_view code,
                std::string_view system) {
  Bench bench(pair, "ST", 0, "");
  Parts parts = split(trial.sample, "^");
  if (parts.size() < trial.part) parts.resize(trial.part);
  std::string const wanted = lower(path);
  auto const has = [&](Texts const& texts, std::string const& at, std::string_view text) {
    auto const found = texts.find(at);
    return found != texts.end() && found->second.contains(std::string(text));
  };
  parts[trial.part - 1].clear();
  bool const without = has(bench.run(parts), wanted, code);
  parts[trial.part - 1] = hl7v2::encode(trial.v2_code, hl7v2::Delimiters{});
  Texts const texts = bench.run(parts);
  // What stands there without the code as well must at least lead back to it.
  if (without && !bench.goes_back(parts, trial.part, trial.v2_code)) return false;
  auto const dot = wanted.rfind('.');
  std::string const beside = wanted.substr(0, dot == std::string::npos ? 0 : dot + 1) + "system";
  bool const says_system = dot != std::string::npos && texts.contains(beside);
  return has(texts, wanted, code) && (!says_system || has(texts, beside, system));
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
