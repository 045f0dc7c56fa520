/// Law L9 of design translation.md 3.5: what is made of an accepted message is valid, the Bundle by R4 and
/// the v2 messages that are written from it alone by the dictionary of each version.
///
/// What the message that was read has wrong in the same place is not held against what is written from it: a
/// sender's code outside its table passes through, what he left out cannot be made up. All else is valid, or
/// a line of validity.exceptions names it with its reason; a line that nothing needs fails too.
#include "fhir/packages/library.hpp"
#include "fhir/profiles/profile.hpp"
#include "fhir/terminology/codes.hpp"
#include "fhir/terminology/library_source.hpp"
#include "fhir/validate/structure.hpp"
#include "fhir/validate/validator.hpp"
#include "mappings/hl7v2/validate.hpp"
#include "tests/mappings/hl7v2/corpus.hpp"
#include "tests/mappings/maps/own_corpus.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fnmatch.h>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>

namespace mappings::laws {
namespace {

using hl7v2::Finding;

constexpr char const* kVersions[] = {"2.1", "2.2",   "2.3", "2.3.1", "2.4",
                                     "2.5", "2.5.1", "2.6", "2.7",   "2.8.2"};

/// Lines "required PID-3.5 CX of *: why", matched against a finding's code, place without occurrences, and
/// text. "? " before a line: it need not be used.
class Exceptions {
 public:
  Exceptions() {
    std::ifstream in(HANDOFF_SOURCE_DIR "/tests/mappings/laws/validity.exceptions");
    for (std::string line; std::getline(in, line);) {
      if (line.empty() || line.starts_with('#')) continue;
      auto const why = line.find(" : ");
      if (why == std::string::npos || why + 3 == line.size()) throw std::runtime_error("no reason: " + line);
      bool const is_rare = line.starts_with("? ");
      std::size_t const begin = is_rare ? 2 : 0;
      patterns_.push_back({line.substr(begin, why - begin), is_rare ? 1 : 0});
    }
  }

  bool allow(std::string const& finding) {
    for (auto& [pattern, uses] : patterns_) {
      if (fnmatch(pattern.c_str(), finding.c_str(), 0) != 0) continue;
      ++uses;
      return true;
    }
    return false;
  }

  std::string unused() const {
    std::string all;
    for (auto const& [pattern, uses] : patterns_) all += uses == 0 ? pattern + "\n" : "";
    return all;
  }

 private:
  std::vector<std::pair<std::string, int>> patterns_;
};

/// "PID[2]-3(1).5" -> "PID-3.5", in a finding's text as well.
std::string without_occurrences(std::string_view text) {
  std::string out;
  int depth = 0;
  for (char const c : text) {
    if (c == '[' || c == '(') ++depth;
    if (depth == 0) out += c;
    if (c == ']' || c == ')') --depth;
  }
  return out;
}

std::string place_of(Finding const& finding) {
  return std::string(to_code(finding.issue.code)) + " " + without_occurrences(finding.issue.source);
}

std::set<std::string> leaves_of(hl7v2::Message const& message) {
  std::set<std::string> leaves;
  for (std::uint32_t segment = 0; segment < message.segment_count(); ++segment) {
    for (std::uint16_t field = 1; field <= message.field_count(segment); ++field) {
      for (std::uint16_t item = 1; item <= message.repetition_count(segment, field); ++item) {
        hl7v2::Address at{segment, field, item};
        for (at.component = 1; at.component <= message.component_count({segment, field, item});
             ++at.component) {
          hl7v2::Address leaf = at;
          std::size_t const parts = message.subcomponent_count(at);
          for (leaf.subcomponent = 1; leaf.subcomponent <= parts; ++leaf.subcomponent)
            leaves.insert(message.text(leaf));
        }
      }
    }
  }
  return leaves;
}

/// What a message that was read has wrong already.
class Inherited {
 public:
  Inherited(hl7v2::Message const& read, hl7v2::Version as) : leaves_(leaves_of(read)) {
    for (Finding const& one : hl7v2::validate(read, as)) places_.insert(place_of(one));
  }

  bool holds(Finding const& finding, hl7v2::Message const& written) const {
    bool const is_value =
        finding.issue.code == fhir::IssueType::value || finding.issue.code == fhir::IssueType::code_invalid;
    if (is_value && leaves_.contains(written.text(finding.at))) return true;
    return places_.contains(place_of(finding));
  }

 private:
  std::set<std::string> leaves_, places_;
};

struct Count {
  std::size_t written = 0, clean = 0, refused = 0;  ///< messages
  std::size_t inherited = 0, excused = 0;           ///< findings
};

class Law9 {
 public:
  /// `strict`: for a partner that takes nothing but what its version has; then a warning counts, too, where
  /// it says that something is beyond the version.
  explicit Law9(bool strict) : strict_(strict) {}

  std::string operator()(std::string_view bytes) {
    auto const from = translate(bytes);
    // A query or an answer without a resource: there is nothing to write it from.
    if (from == nullptr || is_query(*from) || request_of(*from, false).resources.empty())
      return std::string(kDoesNotApply);
    std::string broken;
    for (char const* const version : kVersions) broken += judge(*from, version);
    return broken;
  }

  Count count;

 private:
  std::string judge(Translated const& from, std::string const& version) {
    auto partner = site();
    partner.version = version;
    partner.newer_fields = !strict_;
    partner.dictionary_lengths = strict_;
    auto const out = language::reverse(language::builtin(), request_of(from, false), partner);
    if (!out) {
      ++count.refused;
      return out.error().source.empty() ? "refused and no place named: " + fhir::to_line(out.error()) : "";
    }
    auto const read = translate_utf8(out->image.bytes());
    if (read == nullptr) return "cannot be read again: " + out->image.bytes();
    auto const findings = hl7v2::validate(read->message);
    ++count.written;
    if (std::ranges::none_of(findings, [&](Finding const& one) { return counts(one); })) ++count.clean;
    Inherited const inherited(from.message, *hl7v2::to_version(read->message.version()));
    std::string broken;
    for (Finding const& one : findings) {
      if (!counts(one)) continue;
      std::string const text = place_of(one) + " " + without_occurrences(one.issue.diagnostics);
      if (inherited.holds(one, read->message))
        ++count.inherited;
      else if (exceptions().allow(text))
        ++count.excused;
      else
        broken += "in " + version + ": " + text + "\n";
    }
    return broken.empty() ? "" : broken + out->image.bytes() + "\n";
  }

  bool counts(Finding const& finding) const {
    if (finding.issue.severity <= fhir::Severity::error) return true;
    return strict_ && (finding.issue.code == fhir::IssueType::structure ||
                       finding.issue.code == fhir::IssueType::too_long);
  }

 public:
  static Exceptions& exceptions() {
    static Exceptions all;
    return all;
  }

 private:
  bool strict_;
};

/// Proves the law for one way of writing, and prints its figures.
void prove_validity(Law9 law, char const* what) {
  Tally const tally = prove([&](std::string_view bytes) { return law(bytes); });
  if (!hl7v2::test::shared_directory().empty()) EXPECT_GE(tally.public_messages, 200U);
  EXPECT_GE(tally.own, 150U);
  std::cout << what << ": " << law.count.written << " messages written, " << law.count.clean
            << " without any finding, " << law.count.refused
            << " refused by name; findings: " << law.count.inherited << " of what was read, "
            << law.count.excused << " by exception\n";
  EXPECT_GE(law.count.written, 2000U);
}

/// "Observation.note.text required element text is missing" of what was found in a Bundle.
std::string finding_of(Element const& bundle, fhir::Issue const& issue) {
  std::string const place = without_occurrences(issue.expression);
  std::size_t const index = std::stoul(issue.expression.substr(issue.expression.find('[') + 1));
  auto const& entry = bundle.find("entry")->items()[index];
  return std::string(entry.find("resource")->text_at("resourceType")) +
         place.substr(std::string_view("Bundle.entry.resource").size()) + " " + issue.diagnostics;
}

/// A Bundle by R4's structure and required bindings: "r4 Observation.note.text required element text is
/// missing".
std::string valid_r4(std::string_view bytes) {
  auto const from = translate(bytes);
  if (from == nullptr) return std::string(kDoesNotApply);
  Element const bundle = language::to_bundle(from->draft);
  fhir::Issues issues;
  fhir::validate::validate_structure(bundle, issues);
  std::string broken;
  for (fhir::Issue const& one : issues) {
    std::string const finding = "r4 " + finding_of(bundle, one);
    if (!Law9::exceptions().allow(finding)) broken += finding + "\n";
  }
  return broken;
}

void prove_bundles() {
  Tally const tally = prove(valid_r4);
  EXPECT_GE(tally.own, 150U);
  EXPECT_GE(tally.generated, 80U);
}

/// R4 whole: cardinalities, types, value sets, invariants.
class WholeR4 {
 public:
  WholeR4() {
    auto const library = std::make_shared<fhir::packages::Library>(fhir::packages::Library::r4());
    validator_ = std::make_unique<fhir::validate::Validator>(
        std::make_shared<fhir::profiles::Profiles const>(library));
    codes_ =
        std::make_unique<fhir::terminology::Codes>(std::make_shared<fhir::terminology::Terminology const>(
            std::make_shared<fhir::terminology::LibrarySource const>(library)));
  }

  /// Errors, one line each. A code that a site put into a v2 table is not one: HL7 lets it fill those tables,
  /// and the published system has the codes that HL7 suggests.
  std::string errors(Element const& bundle) {
    fhir::validate::Options options;
    options.codes = codes_.get();
    options.now = "2026-01-31T10:00:00.000Z";
    fhir::Issues issues;
    validator_->validate(bundle, options, issues);
    std::string text;
    for (fhir::Issue const& one : issues) {
      if (one.severity > fhir::Severity::error) continue;
      bool const is_site_code =
          one.code == fhir::IssueType::code_invalid &&
          one.diagnostics.starts_with(
              "the code is none of its code system http://terminology.hl7.org/CodeSystem/v2-");
      if (is_site_code) ++site_codes;
      std::string const finding = "rule " + finding_of(bundle, one);
      if (!is_site_code && !Law9::exceptions().allow(finding)) text += finding + "\n";
    }
    return text;
  }

  std::size_t site_codes = 0;

 private:
  std::unique_ptr<fhir::validate::Validator> validator_;
  std::unique_ptr<fhir::terminology::Codes> codes_;
};

/// Every message of the corpora, by every rule of R4; what the sender himself contradicts is an exception
/// ("rule Encounter.period per-1 ...").
void prove_rules() {
  WholeR4 rules;
  std::size_t bundles = 0;
  auto const judge = [&](std::string const& name, std::string_view bytes) {
    auto const from = translate(bytes);
    if (from == nullptr) return;
    ++bundles;
    EXPECT_EQ(rules.errors(language::to_message_bundle(from->draft, from->message, site())), "") << name;
  };
  for (auto const& one : hl7v2::test::corpus_messages()) judge(one.name, one.bytes);
  for (auto const& one : maps::test::own_messages()) judge(one.name, one.bytes);
  std::cout << bundles
            << " Bundles of the corpora break no rule of R4; codes that a site put into a v2 table: "
            << rules.site_codes << "\n";
  EXPECT_GE(bundles, 150U);
}

TEST(L9Validity, WhatIsMadeOfAnAcceptedMessageIsValid) {
  prove_bundles();
  prove_rules();
  prove_validity(Law9(false), "any version");
  prove_validity(Law9(true), "strictly its version");
  EXPECT_EQ(Law9::exceptions().unused(), "") << "lines of validity.exceptions that nothing needs";
}

}  // namespace
}  // namespace mappings::laws
