/// The laws of design translation.md section 3.5 over our own corpus: L1 with the message as its own
/// complement, L2 and L3 without any.
#include "fhir/json/writer.hpp"
#include "rewritten.hpp"
#include "tests/mappings/hl7v2/corpus.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace mappings::maps::test {
namespace {

using fhir::json::Element;

/// A message that gives no resource of the kind its structure starts from: acknowledgments without an error,
/// a person's update without a visit, a referral's answer without RF1. There is nothing in FHIR to write it
/// from.
bool has_no_anchor(OwnMessage const& own) {
  static std::set<std::string> const kWithout = {"ACK/01-accepted", "ACK/03-version-2-3",
                                                 "ADT_A05/03-person-update", "RRI_I12/06-technical-refusal"};
  return kWithout.contains(own.name);
}

/// Messages with several orders or reports: the gateway writes one message per order, so reverse starts from
/// one.
bool has_several_anchors(OwnMessage const& own) {
  static std::set<std::string> const kSeveral = {"OMG_O19/05-two-orders",
                                                 "OSU_O51/08-two-orders",
                                                 "ADT_A39/02-two-merges",
                                                 "ORU_R01/03-two-panels-one-orc",
                                                 "PPR_PC1/02-problem-updated",
                                                 "PPP_PCB/04-two-pathways",
                                                 "PGL_PC6/03-goal-entered-in-error",
                                                 "DFT_P03/02-charge-and-credit",
                                                 "RRE_O12/02-cancelled-as-asked-2-7",
                                                 "VXR_V03/01-record-of-a-child",
                                                 "OUL_R22/02-two-tubes-2-8",
                                                 "OML_O21/01-two-orders-each-with-its-own",
                                                 "ORM_O01/01-radiology-2-3",
                                                 "ORG_O20/01-two-answers",
                                                 "RDE_O11/02-two-orders",
                                                 "OMP_O09/02-two-prescriptions-2-8",
                                                 "RAS_O17/02-refused-and-given-2-6",
                                                 "VXU_V04/01-given-and-historical",
                                                 "ADT_A17/01-swap",
                                                 "ADT_A17/02-swap-2-3-1",
                                                 "ADT_A24/02-link-across-authorities",
                                                 "ADT_A45/01-move-two-visits"};

  return kSeveral.contains(own.name);
}

/// A Task of which the message says only that something is to be removed ("") is no Task to write from.
bool only_deletes_a_task(OwnMessage const& own) {
  return own.name == "OMG_O19/10-z-and-empty" || own.name == "REF_I12/08-cancel";
}

/// What a sender did to one of several problems and goals, and when, is its own act and not in FHIR.
bool says_what_was_done(std::string_view line) {
  return line.starts_with("@problem.action") || line.starts_with("@goal.action");
}

TEST(L1GetPut, AMessageWrittenOverItselfIsTheSameMessage) {
  for (OwnMessage const& own : own_messages()) {
    if (has_no_anchor(own)) continue;
    Rewritten const again(own, true);
    EXPECT_EQ(again.error.diagnostics, "") << own.name << " " << again.error.source;
    EXPECT_EQ(again.bytes, std::string(again.translated.message.bytes())) << own.name;
  }
}

TEST(L1GetPut, HoldsForThePublicMessagesInScope) {
  if (hl7v2::test::shared_directory().empty()) GTEST_SKIP() << "the shared corpora are absent";
  int written = 0;
  for (auto const& found : hl7v2::test::corpus_messages()) {
    fhir::Issues warnings;
    auto const message = hl7v2::Message::parse(found.bytes, {}, warnings);
    if (!message || !language::forward(language::builtin(), *message, sender())) continue;
    OwnMessage const public_message{"", found.name, found.bytes};
    Rewritten const again(public_message, true);
    if (!again.error.diagnostics.empty()) {
      EXPECT_NE(again.error.diagnostics.find("the Bundle holds no"), std::string::npos)
          << found.name << " " << again.error.source << " " << again.error.diagnostics;
      continue;
    }
    ++written;
    // Its two documents have one number (OBX-21), so that FHIR holds one of them.
    if (found.name.ends_with("ORU-R01-01.hl7")) continue;
    EXPECT_EQ(again.bytes, std::string(message->bytes())) << found.name;
  }
  EXPECT_GE(written, 200);
}

/// "ref.requester -> rp" for references, else "ref.priority = asap"; instances of one role are told apart by
/// their number.
void flatten(language::Draft const& draft, Element const& element, std::string const& path,
             std::set<std::string>& lines) {
  if (element.is_object()) {
    std::string_view const reference = element.text_at("reference");
    if (reference.starts_with('~')) {
      auto const& target = draft.resources[std::stoul(std::string(reference.substr(1)))];
      lines.insert(path + " -> " + std::string(target.type) + " " + std::string(target.role));
    }
    for (auto const& member : element.members()) {
      if (member.name != "reference")
        flatten(draft, member.value, path + "." + std::string(member.name), lines);
    }
  } else if (element.is_array()) {
    for (std::size_t at = 0; at < element.size(); ++at)
      flatten(draft, element.items()[at], path + "[" + std::to_string(at) + "]", lines);
  } else {
    lines.insert(path + " = " + std::string(element.text()));
  }
}

std::set<std::string> lines_of(language::Draft const& draft) {
  std::set<std::string> lines;
  std::map<std::string, int> anonymous;
  for (auto const& resource : draft.resources) {
    std::string name = std::string(resource.role) + "#" + std::to_string(resource.instance);
    if (resource.role.empty())
      name = std::string(resource.type) + "#" + std::to_string(++anonymous[std::string(resource.type)]);
    flatten(draft, resource.content, name, lines);
  }
  for (auto const& fact : draft.facts)
    lines.insert("@" + std::string(fact.name) + " = " + std::string(fact.text()));
  return lines;
}

/// The text of a code in a field that is a bare code in the message's version (IS, ID): said by a loss note.
bool told_of_text(std::vector<language::LossNote> const& loss) {
  return std::ranges::any_of(loss, [](language::LossNote const& note) {
    return note.path.ends_with(".2") && note.reason.find("has no such component") != std::string::npos;
  });
}

/// Messages that say what their own version has no place for: written anew they lose it, and a loss note says
/// so.
bool says_more_than_its_version(OwnMessage const& own) {
  static std::set<std::string> const kKnown = {
      "ADT_A02/04-transfer-2-1",                  // room and bed: PV1-3 has one component in 2.1
      "ADT_A16/02-pending-discharge-guarantor"};  // 2.4 has neither GT1 nor NK1 in ADT_A16
  return kKnown.contains(own.name);
}

/// Messages that lack a segment which their structure requires: read all the same, and written anew only by
/// name of what is missing.
bool lacks_a_required_segment(OwnMessage const& own) {
  return own.name == "REF_I12/09-no-rf1-no-prd" || own.name == "RRI_I12/06-technical-refusal";
}

/// Whose second name is the official one: written anew it is the first.
bool is_reordered(OwnMessage const& own, std::string_view line) {
  return own.name == "ADT_A05/08-pre-admit-france" && line.starts_with("patient#1.name[");
}

TEST(L2L3Stateless, AMessageWrittenFromItsFhirAloneMeansTheSame) {
  std::size_t compared = 0;
  for (OwnMessage const& own : own_messages()) {
    if (has_no_anchor(own) || has_several_anchors(own)) continue;
    ++compared;
    Translated const first(own.bytes);
    std::set<std::string> const wanted = lines_of(first.draft);
    Rewritten const again(own, false);
    EXPECT_EQ(again.error.source, lacks_a_required_segment(own) ? "PRD" : "")
        << own.name << " " << again.error.diagnostics;
    if (again.bytes.empty()) continue;
    if (says_more_than_its_version(own)) {
      EXPECT_FALSE(again.loss.empty()) << own.name;
      continue;
    }
    Translated const second(again.bytes);
    std::set<std::string> const got = lines_of(second.draft);
    std::string difference;
    for (auto const& line : wanted) {
      if (says_what_was_done(line) || is_reordered(own, line)) continue;
      if (only_deletes_a_task(own) && line.starts_with("loop#")) continue;
      if (line.ends_with("].attachment.title = Consult note")) continue;  // row obx.3c, one-way
      if (line.ends_with("].display = Visit number")) continue;           // now PV1-19.5 says VN itself
      if (line == "@visit.class = N") continue;                           // class N is a PV1 without a visit
      if (line.starts_with("@authorization.certification")) continue;     // row in3.2, one-way
      if (line.starts_with("given#1.request.identifier.")) continue;      // the ORC of a dose is a fact
      if (line.starts_with("give#1.basedOn[0].identifier.")) continue;    // and of one that is to be given
      if (line.starts_with("specimen_obs#") || line.starts_with("entry#"))
        continue;                                           // an inward link: reverse does not ask for them
      if (line.starts_with("appt#1.extension[")) continue;  // row nte.3k, one-way: remarks on resources
      if (line.find(".display = ") != std::string::npos && told_of_text(again.loss)) continue;
      if (!got.contains(line)) difference += "- " + line + "\n";
    }
    for (auto const& line : got) {
      if (line == "@visit.class = N") continue;
      if (own.structure == "ORU_R01" && line == "@order.control = RE") continue;  // what we write has an ORC
      if (line.ends_with("].attachment.title = Consultation")) continue;          // row obx.3c again
      if (says_what_was_done(line) || is_reordered(own, line)) continue;
      if (!wanted.contains(line)) difference += "+ " + line + "\n";
    }
    EXPECT_EQ(difference, "") << own.name << "\n" << again.bytes;
  }
  EXPECT_GE(compared, 68U);
}

}  // namespace
}  // namespace mappings::maps::test
