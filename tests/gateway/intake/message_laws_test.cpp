/// Laws of design translation.md 3.5 as the store keeps them, over the public messages and ours. L5: a
/// message that is sent again under another control id changes nothing. L10, its identity half: after an A40
/// a message with the retired number leaves the same resources behind as one with the number that survives.
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "gateway/intake/intake.hpp"
#include "mappings/hl7v2/image.hpp"
#include "tests/mappings/hl7v2/corpus.hpp"
#include "tests/mappings/maps/own_corpus.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <unistd.h>

namespace gateway::intake {
namespace {

namespace hl7v2 = mappings::hl7v2;

constexpr char kBefore[] = "19000101000000+0000";  // whatever a message says happened later
constexpr std::int64_t kNow = 4'102'444'800'000;   // 2100: and before now
constexpr char kSurvivor[] = "SURVIVOR-1";

/// A gateway that takes every sender, with a store of its own; in memory where there is such a folder, since
/// hundreds are made and none is to outlast a power cut.
class World {
 public:
  World() {
    namespace fs = std::filesystem;
    static int made = 0;
    folder_ = (fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) /
              ("merge-law-" + std::to_string(getpid()) + "-" + std::to_string(++made));
    fs::create_directories(folder_);
    auto const clock = [] { return kNow; };
    store_ = store::open_sqlite({.path = folder_ / "handoff.db"}, clock).value();
    static auto const tables = make_tables({}, {}, {}).value();
    tables_ = std::make_shared<LiveTables>(tables);
    intake_ = std::make_unique<Intake>(
        IntakeOptions{.store = *store_, .tables = tables_, .clock = clock, .subscriptions = subscriptions_});
  }

  ~World() {
    intake_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  World(World const&) = delete;
  World& operator=(World const&) = delete;

  /// The answer.
  std::string send(std::string bytes) {
    Envelope envelope;
    envelope.bytes = std::move(bytes);
    envelope.feed = "mllp:test";
    boost::asio::io_context context;
    std::vector<std::string> answers;
    boost::asio::co_spawn(context, intake_->accept_v2(std::move(envelope)),
                          [&](std::exception_ptr failed, std::vector<std::string> got) {
                            if (!failed) answers = std::move(got);
                          });
    context.run();
    return answers.size() == 1 ? answers[0] : std::string();
  }

  /// Every resource as it stands, by reference, without its meta; work items left out.
  std::map<std::string, std::string> resources() const {
    auto const snapshot = store_->snapshot().value();
    auto const page =
        snapshot->history(store::AccessPolicy::all(), "", "", 0, 1000, "").value();  // newest first
    EXPECT_EQ(page.next_cursor, "");
    std::map<std::string, std::string> found;
    for (auto const& version : page.versions) {
      fhir::json::Arena arena;
      auto root = fhir::json::read(version.deleted ? "{}" : version.content, arena).value();
      root.remove("meta");
      // Each message that no referral claims waits for a person by itself.
      if (fhir::json::write(root).find(R"("code":"work-item")") != std::string::npos) continue;
      found.try_emplace(version.type + "/" + version.id, fhir::json::write(root));
    }
    return found;
  }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<store::Store> store_;
  std::shared_ptr<LiveTables> tables_;
  delivery::Subscriptions subscriptions_;
  std::unique_ptr<Intake> intake_;
};

bool is_accepted(std::string const& answer) {
  auto const at = answer.find("\rMSA");
  return at != std::string::npos && answer.compare(at + 5, 2, "AA") == 0;
}

/// An event about one number, from the sender of `message` in its version and punctuation.
std::string event(hl7v2::Message const& message, std::string_view trigger, std::string_view structure,
                  std::string_view number, std::string_view retired) {
  hl7v2::Image image(message);
  while (image.segment_count() > 1) image.remove_segment(1);
  image.set({0, 7, 0, 0, 0}, kBefore);
  image.set({0, 9, 0, 0, 0}, "");
  image.set_text({0, 9, 1, 1, 1}, "ADT");
  image.set_text({0, 9, 1, 2, 1}, trigger);
  image.set_text({0, 9, 1, 3, 1}, structure);
  image.set_text({0, 10, 1, 1, 1},
                 std::string(trigger) + "-" + std::string(retired.empty() ? number : retired));
  image.set({0, 13, 0, 0, 0}, "");
  for (std::uint16_t acknowledgment : {std::uint16_t{15}, std::uint16_t{16}})
    image.set({0, acknowledgment, 0, 0, 0}, "");
  image.set_text({0, 18, 1, 1, 1}, "UNICODE UTF-8");
  image.insert_segment(1, "EVN");
  image.set_text({1, 1, 1, 1, 1}, trigger);
  image.set({1, 2, 0, 0, 0}, kBefore);
  image.insert_segment(2, "PID");
  image.set({2, 3, 1, 0, 0}, number);
  image.set_text({2, 5, 1, 1, 1}, "Muster");
  if (!retired.empty()) {
    image.insert_segment(3, "MRG");
    image.set({3, 1, 1, 0, 0}, retired);
  }
  return image.bytes();
}

std::string with_number(hl7v2::Message const& message, std::uint32_t pid, std::string_view number) {
  hl7v2::Image image(message);
  for (std::uint16_t acknowledgment : {std::uint16_t{15}, std::uint16_t{16}})
    image.set({0, acknowledgment, 0, 0, 0}, "");
  image.set_text({0, 18, 1, 1, 1}, "UNICODE UTF-8");
  image.set({pid, 3, 0, 0, 0}, number);
  return image.bytes();
}

std::string again(std::string const& bytes, std::string_view control_id) {
  fhir::Issues warnings;
  auto const message = hl7v2::Message::parse(bytes, {}, warnings);
  hl7v2::Image image(message.value());
  image.set_text({0, 10, 1, 1, 1}, control_id);
  return image.bytes();
}

constexpr char kDoesNotApply[] = "does not apply";

std::string difference(std::map<std::string, std::string> const& left,
                       std::map<std::string, std::string> const& right) {
  std::string text;
  for (auto const& [reference, content] : left) {
    auto const other = right.find(reference);
    if (other == right.end()) {
      text += "- " + content + "\n";
    } else if (other->second != content) {
      text += "- " + content + "\n+ " + other->second + "\n";
    }
  }
  for (auto const& [reference, content] : right) {
    if (!left.contains(reference)) text += "+ " + content + "\n";
  }
  return text;
}

/// A message about one person with a number, and the events that come before and after it.
struct Numbered {
  hl7v2::Message message;
  std::uint32_t pid = 0;
  std::string number;    ///< PID-3 as it stands.
  std::string survivor;  ///< The same with another number.

  std::string person(std::string const& of) const { return event(message, "A28", "ADT_A05", of, ""); }
  std::string merge() const { return event(message, "A40", "ADT_A39", survivor, number); }
  /// Two PID, as an unlink has them.
  std::string unlink() const {
    fhir::Issues warnings;
    auto const one = hl7v2::Message::parse(event(message, "A37", "ADT_A37", survivor, ""), {}, warnings);
    hl7v2::Image image(one.value());
    image.set_text({0, 10, 1, 1, 1}, "A37");
    image.insert_segment(3, "PID");
    image.set({3, 3, 1, 0, 0}, number);
    image.set_text({3, 5, 1, 1, 1}, "Muster");
    return image.bytes();
  }
};

std::optional<Numbered> numbered(std::string_view bytes) {
  fhir::Issues warnings;
  auto message = hl7v2::Message::parse(bytes, {}, warnings);
  if (!message || message->find_segment("MRG")) return std::nullopt;
  auto const first = message->find_segment("PID");
  if (!first || message->find_segment("PID", *first + 1)) return std::nullopt;
  auto const pid = static_cast<std::uint32_t>(*first);
  std::string number(message->raw({pid, 3, 1, 0, 0}));
  if (message->raw({pid, 3, 1, 1, 1}).empty() || number.starts_with("\"\"")) return std::nullopt;
  hl7v2::Image other(*message);
  other.set_text({pid, 3, 1, 1, 1}, kSurvivor);
  for (std::uint16_t component = 2; component <= 3; ++component) other.set({pid, 3, 1, component, 0}, "");
  std::string survivor(other.raw({pid, 3, 1, 0, 0}));
  return Numbered{std::move(*message), pid, std::move(number), std::move(survivor)};
}

/// What two ways leave behind: "" the same, kDoesNotApply where the last message of the first is refused.
std::string compare(std::vector<std::string> const& one, std::vector<std::string> const& other) {
  std::map<std::string, std::string> left[2];
  for (int side = 0; side < 2; ++side) {
    World world;
    auto const& way = side == 0 ? one : other;
    for (std::size_t at = 0; at < way.size(); ++at) {
      std::string const answer = world.send(way[at]);
      if (is_accepted(answer)) continue;
      bool const last = at + 1 == way.size();
      return side == 0 && last ? kDoesNotApply : "refused: " + answer + "\n" + way[at];
    }
    left[side] = world.resources();
  }
  return difference(left[0], left[1]);
}

std::string after_a_merge(std::string_view bytes) {
  auto const of = numbered(bytes);
  if (!of) return kDoesNotApply;
  std::vector<std::string> const before{of->person(of->number), of->person(of->survivor), of->merge()};
  auto by_retired = before, by_survivor = before;
  by_retired.push_back(with_number(of->message, of->pid, of->number));
  by_survivor.push_back(with_number(of->message, of->pid, of->survivor));
  return compare(by_retired, by_survivor);
}

std::string after_an_unlink(std::string_view bytes) {
  auto const of = numbered(bytes);
  if (!of) return kDoesNotApply;
  std::string const message = with_number(of->message, of->pid, of->number);
  std::string const one = of->person(of->number), two = of->person(of->survivor);
  return compare({one, two, of->merge(), of->unlink(), message}, {one, two, message});
}

/// The references that only one of them has.
std::string other_resources(std::map<std::string, std::string> const& left,
                            std::map<std::string, std::string> const& right) {
  std::string text;
  for (auto const& [reference, content] : left)
    if (!right.contains(reference)) text += "- " + content + "\n";
  for (auto const& [reference, content] : right)
    if (!left.contains(reference)) text += "+ " + content + "\n";
  return text;
}

/// What of those before is not as it was, but for the Patient, who hears for the first time what was said.
std::string changed(std::map<std::string, std::string> const& before,
                    std::map<std::string, std::string> const& after) {
  std::string text;
  for (auto const& [reference, content] : before) {
    auto const now = after.find(reference);
    if (!reference.starts_with("Patient/") && (now == after.end() || now->second != content))
      text += "- " + content + "\n+ " + (now == after.end() ? "" : now->second) + "\n";
  }
  return text;
}

/// A message told of the retired number while it was merged, and told again after the unlink.
std::string told_again_after_an_unlink(std::string_view bytes) {
  auto const of = numbered(bytes);
  if (!of) return kDoesNotApply;
  World world;
  std::string const message = with_number(of->message, of->pid, of->number);
  if (!is_accepted(world.send(of->person(of->number))) || !is_accepted(world.send(of->person(of->survivor))))
    return kDoesNotApply;
  if (!is_accepted(world.send(of->merge()))) return "the merge is refused";
  if (!is_accepted(world.send(message))) return kDoesNotApply;
  if (!is_accepted(world.send(of->unlink()))) return "the unlink is refused";
  auto const parted = world.resources();
  if (!is_accepted(world.send(again(message, "again")))) return "refused when told again";
  auto const again_told = world.resources();
  return other_resources(parted, again_told) + changed(parted, again_told);
}

std::string sent_again(std::string_view bytes) {
  fhir::Issues warnings;
  auto const message = hl7v2::Message::parse(bytes, {}, warnings);
  if (!message) return kDoesNotApply;
  World world;
  hl7v2::Image image(*message);
  image.set_text({0, 18, 1, 1, 1}, "UNICODE UTF-8");
  if (!is_accepted(world.send(image.bytes()))) return kDoesNotApply;
  auto const once = world.resources();
  image.set_text({0, 10, 1, 1, 1}, "again");
  std::string const answer = world.send(image.bytes());
  return is_accepted(answer) ? difference(once, world.resources()) : "refused: " + answer;
}

std::size_t prove(auto const& messages, auto const& law) {
  std::size_t held = 0;
  for (auto const& one : messages) {
    std::string const found = law(one.bytes);
    if (found == kDoesNotApply) continue;
    ++held;
    EXPECT_EQ(found, "") << one.name;
  }
  return held;
}

void prove_for_all(auto const& law) {
  std::size_t const own = prove(mappings::maps::test::own_messages(), law);
  EXPECT_GE(own, 100U);
  if (hl7v2::test::shared_directory().empty())
    GTEST_SKIP() << "skipped: ../shared is absent; the law holds for our own messages";
  std::size_t const others = prove(hl7v2::test::corpus_messages(), law);
  EXPECT_GE(others, 100U);
  std::cout << own << " messages of our own, " << others << " others\n";
}

TEST(L5Again, AMessageThatIsSentAgainUnderAnotherControlIdChangesNothing) { prove_for_all(sent_again); }

TEST(L10Merge, AMessageWithTheRetiredNumberLeavesWhatOneWithTheSurvivorLeaves) {
  prove_for_all(after_a_merge);
}

// Over ours alone: it takes the longest, and holds for the others as well.
TEST(L10Merge, AfterAnUnlinkAMessageLeavesWhatItLeavesWithoutAMerge) {
  EXPECT_GE(prove(mappings::maps::test::own_messages(), after_an_unlink), 200U);
}

TEST(L10Merge, AfterAnUnlinkAMessageToldAgainDoublesNothingAndChangesNothing) {
  prove_for_all(told_again_after_an_unlink);
}

}  // namespace
}  // namespace gateway::intake
