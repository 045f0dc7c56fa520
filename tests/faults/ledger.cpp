#include "tests/faults/ledger.hpp"

#include "examples/partners/v2.hpp"

#include <map>
#include <set>
#include <unordered_map>

namespace faults {

namespace {

using namespace std::chrono_literals;
using support::Heard;

// How long an answer may take on a machine that is busy with other things; a gateway that is silent longer
// has lost it.
constexpr auto kPatience = 120s;
constexpr std::size_t kComplaintsMax = 20;

std::string two_digits(std::int64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); }

}  // namespace

void Door::open(std::uint16_t port) {
  {
    std::lock_guard const lock(mutex_);
    port_ = port;
    ++opening_;
  }
  changed_.notify_all();
}

void Door::close() {
  std::lock_guard const lock(mutex_);
  port_ = 0;
}

void Door::end() {
  {
    std::lock_guard const lock(mutex_);
    ended_ = true;
    port_ = 0;
  }
  changed_.notify_all();
}

std::optional<Door::Way> Door::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ended_ || port_ != 0; });
  if (ended_) return std::nullopt;
  return Way{port_, opening_};
}

bool Door::is_still(Way way) const {
  std::lock_guard const lock(mutex_);
  return port_ == way.port && opening_ == way.opening;
}

bool Door::has_ended() const {
  std::lock_guard const lock(mutex_);
  return ended_;
}

Sender::Sender(int number, std::string day, Door& door)
    : number_(number), day_(std::move(day)), door_(door) {}

std::string Sender::name() const { return "K" + std::to_string(number_); }
std::string Sender::patient() const { return "P" + std::to_string(number_); }

std::string Sender::visit_of(std::int64_t n) const {
  return "V" + std::to_string(number_) + "-" + std::to_string(n / kMessagesOfStay);
}

/// The same n always gives the same bytes. Each message of a stay puts the patient into another bed, so that
/// each leaves one version of the Encounter, and a message that worked twice would leave two.
std::string Sender::message(std::int64_t n) const {
  constexpr char const* kEvents[kMessagesOfStay] = {"A01", "A08", "A08", "A03"};
  std::string const event = kEvents[n % kMessagesOfStay];
  std::int64_t const second = n % 86'400;
  std::string const time =
      day_ + two_digits(second / 3600) + two_digits(second / 60 % 60) + two_digits(second % 60) + "+0000";
  std::string const admitted = day_ + "000000+0000";
  std::string const ward = std::to_string(number_) + "W^" + std::to_string(100 + n % 7) + "^1^GENERAL";
  std::string pv1 = "PV1|1|I|" + ward + "|E||||||MED||||7|||||" + visit_of(n) + "^^^GENERAL-VISITS^VN";
  if (event == "A03") {
    pv1 += std::string(17, '|') + "01" + std::string(8, '|') + admitted + "|" + time;
  } else {
    pv1 += std::string(25, '|') + admitted;
  }
  return partners::message({"MSH|^~\\&|GENADT|GENERAL|HANDOFF|HANDOFF|" + time + "||ADT^" + event + "^" +
                                (event == "A03" ? "ADT_A03" : "ADT_A01") + "|" + name() + "-" +
                                std::to_string(n) + "|P|2.5.1",
                            "EVN|" + event + "|" + time,
                            "PID|1||" + patient() + "^^^GENERAL^MR||Sample^" + name() + "||19700101|F", pv1});
}

void Sender::run() {
  for (std::int64_t n = 0; !door_.has_ended(); ++n) {
    std::string const text = message(n);
    Entry entry{name() + "-" + std::to_string(n), support::sha256_hex(text), {}, {}, {}};
    was_written_ = false;
    bool const is_done = is_answered(text, entry);
    if (was_written_) entries_.push_back(std::move(entry));
    if (!is_done || complaints_.size() >= kComplaintsMax) return;
    ++acknowledged_;
  }
}

/// Sends until the answer is there; false when the door ended first.
bool Sender::is_answered(std::string const& text, Entry& entry) {
  for (;;) {
    if (!wire_.is_open()) {
      auto const way = door_.wait();
      if (!way) return false;
      way_ = *way;
      wire_ = support::MllpWire::connect(way_.port);
      if (!wire_.is_open()) {
        if (door_.is_still(way_)) complaints_.push_back("an open port refused a connection");
        if (complaints_.size() >= kComplaintsMax) return false;
        continue;
      }
    }
    if (was_written_) ++resends_;
    was_written_ = true;
    std::string answer;
    Heard heard = Heard::closed;
    if (wire_.send(text)) heard = wire_.receive(answer, kPatience);
    if (heard == Heard::frame) return take(answer, entry);
    if (heard == Heard::silence) complaints_.push_back(entry.control_id + " was not answered");
    if (heard == Heard::closed && door_.is_still(way_)) {
      complaints_.push_back("a connection was closed though nobody had touched the gateway");
    }
    if (complaints_.size() >= kComplaintsMax) return false;
    wire_.close();
  }
}

bool Sender::take(std::string const& answer, Entry& entry) {
  entry.answered = std::chrono::system_clock::now();
  entry.code = partners::field(answer, "MSA", 1);
  entry.answer_sha256 = support::sha256_hex(answer);
  if (entry.code != "AA") complaints_.push_back(entry.control_id + " was answered " + entry.code);
  std::string const about = partners::field(answer, "MSA", 2);
  if (about != entry.control_id)
    complaints_.push_back(entry.control_id + " got the answer to '" + about + "'");
  return true;
}

namespace {

/// Compares the database with the ledgers, one law at a time.
class Judge {
 public:
  Judge(support::Database& database, std::vector<Sender const*> const& senders) : database_(database) {
    for (Sender const* const sender : senders) senders_[sender->name()] = sender;
  }

  std::vector<std::string> judge() {
    check_journal();
    check_all_acknowledged_are_stored();
    check_patients();
    check_encounters();
    return std::move(findings_);
  }

 private:
  void find(std::string what) {
    if (findings_.size() < kComplaintsMax) findings_.push_back(std::move(what));
  }

  /// In journal order each sender's messages are 0, 1, 2 ...: none twice, none missing between, none out of
  /// order. Each has the bytes that were sent; where the sender saw an answer, the stored answer is that
  /// answer.
  void check_journal() {
    database_.each("SELECT journal_id, raw, outcome, answer FROM journal ORDER BY journal_id", {},
                   [this](support::Database::Row const& row) { check_row(row[0], row[1], row[2], row[3]); });
  }

  void check_row(std::string const& id, std::string const& raw, std::string const& outcome,
                 std::string answer) {
    std::string const key = partners::field(raw, "MSH", 10);
    auto const dash = key.find('-');
    auto const sender = senders_.find(key.substr(0, dash));
    if (sender == senders_.end()) return find("journal row " + id + " holds a message that nobody sent");
    auto const n = static_cast<std::size_t>(std::stoll("0" + key.substr(dash + 1)));
    std::size_t& expected = stored_[sender->first];
    if (n != expected)
      return find("journal row " + id + " is " + key + " where number " + std::to_string(expected) +
                  " was due");
    ++expected;
    auto const& entries = sender->second->entries();
    if (n >= entries.size()) return find("journal row " + id + " holds " + key + ", which was not sent");
    Entry const& entry = entries[n];
    if (support::sha256_hex(raw) != entry.sha256) find(key + " is stored with other bytes than were sent");
    if (outcome != "accepted") find(key + " is stored as " + outcome);
    if (!answer.empty()) answer.pop_back();  // the separator after each answer
    if (!entry.code.empty() && support::sha256_hex(answer) != entry.answer_sha256) {
      find("the answer to " + key + " that is stored is not the one that was given");
    }
  }

  void check_all_acknowledged_are_stored() {
    for (auto const& [name, sender] : senders_) {
      std::size_t acknowledged = 0;
      for (Entry const& entry : sender->entries()) acknowledged += entry.code == "AA" ? 1 : 0;
      if (stored_[name] < acknowledged) {
        find(name + ": " + std::to_string(acknowledged) + " acknowledged, " + std::to_string(stored_[name]) +
             " stored: LOST");
      }
    }
  }

  /// One Patient for each sender that got a message in.
  void check_patients() {
    auto const found = resources_by_identifier("Patient", "urn:oid:1.3.6.1.4.1.32473.50");
    for (auto const& [name, sender] : senders_) {
      std::size_t const wanted = stored_[name] > 0 ? 1 : 0;
      auto const mine = found.find(sender->patient());
      std::size_t const count = mine == found.end() ? 0 : mine->second.size();
      if (count != wanted) find(sender->patient() + " has " + std::to_string(count) + " Patients");
    }
  }

  /// One Encounter for each stay, with one version for each message about it, in the state that the last one
  /// left it in.
  void check_encounters() {
    auto const found = resources_by_identifier("Encounter", "urn:oid:1.3.6.1.4.1.32473.51");
    std::size_t stays = 0;
    for (auto const& [name, sender] : senders_) {
      auto const count = static_cast<std::int64_t>(stored_[name]);
      for (std::int64_t first = 0; first < count; first += kMessagesOfStay, ++stays) {
        std::string const visit = sender->visit_of(first);
        auto const mine = found.find(visit);
        if (mine == found.end() || mine->second.size() != 1) {
          find(visit + " has " + std::to_string(mine == found.end() ? 0 : mine->second.size()) +
               " Encounters");
          continue;
        }
        check_encounter(visit, mine->second.front(), std::min(kMessagesOfStay, count - first));
      }
    }
    if (found.size() != stays)
      find(std::to_string(found.size()) + " stays are known, " + std::to_string(stays) + " were told of");
  }

  struct Resource {
    std::string status;
    std::int64_t versions = 0;
  };

  void check_encounter(std::string const& visit, Resource const& encounter, std::int64_t messages) {
    std::string const wanted = messages == kMessagesOfStay ? "finished" : "in-progress";
    if (encounter.status != wanted)
      find(visit + " is " + encounter.status + " after message " + std::to_string(messages));
    if (encounter.versions != messages) {
      find(visit + " has " + std::to_string(encounter.versions) + " versions of " + std::to_string(messages) +
           " messages");
    }
  }

  /// Current resources by the value of their identifier of that system.
  std::unordered_map<std::string, std::vector<Resource>> resources_by_identifier(std::string const& type,
                                                                                 std::string const& system) {
    std::unordered_map<std::string, std::vector<Resource>> found;
    database_.each(R"(
      SELECT json_extract(identifier.value, '$.value'), json_extract(version.content, '$.status'), version.version_id
      FROM resource
      JOIN resource_version AS version ON version.resource_key = resource.resource_key
        AND version.version_id = (SELECT max(version_id) FROM resource_version WHERE resource_key = resource.resource_key)
      JOIN json_each(version.content, '$.identifier') AS identifier
        ON json_extract(identifier.value, '$.system') = ?2
      WHERE resource.type = ?1)",
                   {type, system}, [&](support::Database::Row const& row) {
                     found[row[0]].push_back({row[1], std::stoll(row[2])});
                   });
    return found;
  }

  support::Database& database_;
  std::map<std::string, Sender const*> senders_;
  std::map<std::string, std::size_t> stored_;
  std::vector<std::string> findings_;
};

}  // namespace

std::vector<std::string> judge(support::Database& database, std::vector<Sender const*> const& senders) {
  return Judge(database, senders).judge();
}

}  // namespace faults
