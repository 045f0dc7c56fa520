#include "mappings/language/edition.hpp"

#include "mappings/hl7v2/escape.hpp"
#include "mappings/hl7v2/split.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace mappings::language {

namespace {

using hl7v2::Version;

constexpr std::string_view kNull = "\"\"";

/// Composites that early versions leave undescribed, and values that say their own type.
bool is_open(Version version, std::string_view type) {
  return type == "VARIES" || type == "varies" || type == "*" ||
         (type.starts_with("CM") && hl7v2::component_count(version, type) == 0);
}
bool is_time(std::string_view type) { return type == "DTM" || type == "TS" || type == "DT"; }

/// Components that are words for people, by type; ST is told by its field's name. Whatever else is cut is
/// another one: an identifier, a code, a number, a telephone, a point in time.
constexpr std::pair<std::string_view, std::string_view> kWords[] = {
    {"XPN", "12345"}, {"PN", "12345"}, {"XCN", "23456"}, {"CN", "23456"}, {"PPN", "23456"},
    {"XAD", "123"},   {"AD", "123"},   {"XON", "1"},     {"CWE", "259"},  {"CNE", "259"},
    {"CE", "25"},     {"TX", "1"},     {"FT", "1"}};

bool is_of_words(std::string_view field_name) {
  static constexpr std::array<std::string_view, 9> kSaid = {
      "description", "comment", "text", "name", "title", "instruction", "information", "reason", "place"};
  static constexpr std::array<std::string_view, 4> kUnsaid = {" id", "/id", "file", "code"};
  std::string lower(field_name);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  auto const has = [&](std::string_view word) { return lower.find(word) != std::string::npos; };
  return std::ranges::any_of(kSaid, has) && std::ranges::none_of(kUnsaid, has);
}

bool may_be_cut(std::string_view type, std::size_t component, hl7v2::FieldDefinition const& field) {
  if (type == "ST") return component == 1 && is_of_words(field.name);
  auto const* const words =
      std::ranges::find(kWords, type, &std::pair<std::string_view, std::string_view>::first);
  return words != std::end(kWords) && component < 10 &&
         words->second.find(static_cast<char>('0' + component)) != std::string_view::npos;
}

int number_of(std::string_view digits) {
  int value = 0;
  for (char const c : digits) value = value * 10 + (c - '0');
  return value;
}

/// Numbers that a version keeps free for the next one ("Reserved for v2.6"): what stands there is newer.
bool is_reserved(hl7v2::FieldDefinition const& definition) { return definition.name.starts_with("Reserved"); }

/// "+0130" and "+01:30" in minutes.
int minutes_of(std::string_view offset) {
  if (offset.size() < 5) return 0;
  int const minutes = number_of(offset.substr(1, 2)) * 60 + number_of(offset.substr(offset.size() - 2));
  return offset[0] == '-' ? -minutes : minutes;
}

std::string two_digits(unsigned value) {
  return {static_cast<char>('0' + value / 10 % 10), static_cast<char>('0' + value % 10)};
}

/// YYYYMMDDHHMM.. moved by minutes; the rest behind the minutes stays.
std::string moved(std::string_view digits, int minutes) {
  using namespace std::chrono;
  auto const day = sys_days(year(number_of(digits.substr(0, 4))) / number_of(digits.substr(4, 2)) /
                            number_of(digits.substr(6, 2)));
  auto const then = day + hours(number_of(digits.substr(8, 2))) +
                    std::chrono::minutes(digits.size() >= 12 ? number_of(digits.substr(10, 2)) : 0) +
                    std::chrono::minutes(minutes);
  auto const date = year_month_day(floor<days>(then));
  auto const clock = hh_mm_ss(then - floor<days>(then));
  std::string text = two_digits(static_cast<unsigned>(int(date.year())) / 100) +
                     two_digits(static_cast<unsigned>(int(date.year())) % 100) +
                     two_digits(unsigned(date.month())) + two_digits(unsigned(date.day())) +
                     two_digits(static_cast<unsigned>(clock.hours().count())) +
                     two_digits(static_cast<unsigned>(clock.minutes().count()));
  return text.append(digits.substr(std::min<std::size_t>(12, digits.size())));
}

/// The text up to the delimiter, which is taken off `rest` with it.
std::string_view take_part(std::string_view& rest, char delimiter) {
  auto const end = rest.find(delimiter);
  auto const part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

std::vector<std::string> split(std::string_view text, char delimiter) {
  std::vector<std::string> parts;
  auto const count = std::max<std::size_t>(hl7v2::part_count(text, delimiter), 1);
  for (std::size_t at = 1; at <= count; ++at)
    parts.emplace_back(hl7v2::nth_part(text, delimiter, at).value_or(std::string_view{}));
  return parts;
}

std::string join(std::vector<std::string> const& parts, char delimiter) {
  std::size_t used = parts.size();
  while (used > 0 && parts[used - 1].empty()) --used;
  std::string text;
  for (std::size_t at = 0; at < used; ++at) {
    if (at > 0) text += delimiter;
    text += parts[at];
  }
  return text;
}

/// Values that stand in another component of the older type than in the newer one.
void move_parts(std::vector<std::string>& parts, std::string_view type, std::size_t count) {
  auto const at = [&](std::size_t number) -> std::string& {
    if (parts.size() < number) parts.resize(number);
    return parts[number - 1];
  };
  auto const has = [&](std::size_t number) { return parts.size() >= number && !parts[number - 1].empty(); };
  // XON.10, the identifier, was XON.3 before 2.5; CWE.9, the original text, is all that a text alone has.
  if (type == "XON" && count < 10 && has(10) && !has(3)) std::swap(at(3), at(10));
  if (type == "CE" && has(9) && !has(1) && !has(2)) std::swap(at(2), at(9));
}

/// XTN as the one text that a TN is: XTN.1, else XTN.12, else what its parts say.
std::string telephone(std::vector<std::string>& parts) {
  auto const take = [&](std::size_t number) {
    return number <= parts.size() ? std::exchange(parts[number - 1], {}) : std::string();
  };
  std::string text = take(1);
  if (text.empty()) text = take(12);
  if (!text.empty()) return text;
  std::string const area = take(6);
  std::string const local = take(7);
  std::string const extension = take(8);
  if (local.empty()) return {};
  text = area.empty() ? local : "(" + area + ")" + local;
  return extension.empty() ? text : text + "X" + extension;
}

/// The type that OBX-2 names, as versions before 2.5 call it.
std::string_view older_name(std::string_view type) {
  if (type == "CWE" || type == "CNE") return "CE";
  return type == "DTM" ? "TS" : type;
}

}  // namespace

fhir::Result<Version> version_to_write(PartnerProfile const& partner, std::string_view structure) {
  auto const wanted = hl7v2::to_version(partner.version).value_or(Version::v2_5_1);
  auto const found = hl7v2::find_structure(wanted, structure);
  if (found.exact || found.root == nullptr) return wanted;
  for (int at = 0; at <= static_cast<int>(Version::v2_8); ++at) {
    auto const version = static_cast<Version>(at);
    if (!hl7v2::find_structure(version, structure).exact) continue;
    if (partner.newer_version) return version;
    return fhir::error(fhir::IssueType::not_supported,
                       "HL7 v" + partner.version + " has no " + std::string(structure) + "; version " +
                           std::string(hl7v2::to_text(version)) +
                           " does, and the partner's profile allows no other than its own");
  }
  return wanted;
}

Edition::Edition(Version version, PartnerProfile const& partner, hl7v2::Image& image,
                 std::vector<LossNote>& loss)
    : version_(version),
      partner_(partner),
      image_(image),
      loss_(loss),
      plain_times_(partner.precision == TimePrecision::full && partner.write_offset &&
                   version != Version::v2_1) {}

bool Edition::has_segment(std::string_view id) const {
  return partner_.newer_fields || id.starts_with('Z') || hl7v2::field_count(version_, id) > 0;
}

void Edition::note_segment(std::string_view id) {
  lose(std::string(id), "HL7 v" + std::string(hl7v2::to_text(version_)) + " has no such segment");
}

void Edition::lose(std::string place, std::string_view why) {
  loss_.push_back({std::move(place), std::string(why), "the record"});
}

void Edition::fit(std::size_t segment, hl7v2::Message const* seed, std::uint32_t known) {
  std::string_view const id = image_.segment_id(segment);
  if (id.starts_with('Z')) return;
  auto const definitions = hl7v2::fields_of(version_, id);
  std::uint16_t const first = id == "MSH" ? 3 : 1;
  auto const count = static_cast<std::uint16_t>(image_.field_count(segment));
  for (std::uint16_t field = first; field <= count; ++field) {
    hl7v2::Address const at{static_cast<std::uint32_t>(segment), field, 0, 0, 0};
    std::string_view const raw = image_.raw(at);
    // Versions before 2.2 write no trigger in MSH-9; all readers take one, and without it ours could not
    // tell.
    bool const of_event = id == "MSH" && field == 9;
    if (raw.empty() || raw == kNull || of_event) continue;
    if (seed != nullptr && seed->raw({known, field, 0, 0, 0}) == raw) continue;
    fit_field(segment, field, field <= definitions.size() ? definitions[field - 1U] : nullptr);
  }
}

void Edition::fit_field(std::size_t segment, std::uint16_t field, hl7v2::FieldDefinition const* definition) {
  hl7v2::Address const whole{static_cast<std::uint32_t>(segment), field, 0, 0, 0};
  auto const place = [&] { return std::string(image_.segment_id(segment)) + "-" + std::to_string(field); };
  if (definition != nullptr && is_reserved(*definition)) definition = nullptr;
  if (definition == nullptr && partner_.newer_fields) return;
  if (definition == nullptr || definition->optionality == 'W') {
    lose(place(), "HL7 v" + std::string(hl7v2::to_text(version_)) +
                      (definition == nullptr ? " has no such field" : " has withdrawn the field"));
    return image_.set(whole, "");
  }
  std::string_view const type = type_of_value(segment, field, *definition);
  bool const limited = partner_.dictionary_lengths || !partner_.lengths.empty();
  std::size_t const repetitions = image_.repetition_count(segment, field);
  // OBX-5 repeats by what OBX-2 says, whatever the dictionary.
  bool const one = !partner_.newer_fields && !definition->repeats &&
                   !is_open(version_, definition->data_type) && repetitions > 1;
  if (!limited && !one && needs_nothing(image_.raw(whole), type)) return;
  for (std::size_t repetition = repetitions; repetition > 1 && one; --repetition) {
    lose(place() + "(" + std::to_string(repetition) + ")", "the field does not repeat in this version");
    image_.remove_repetition(segment, field, repetition);
  }
  for (std::size_t at = 1; at <= image_.repetition_count(segment, field); ++at) {
    hl7v2::Address const address{whole.segment, field, static_cast<std::uint16_t>(at), 0, 0};
    std::string const raw(image_.raw(address));
    if (raw.empty() || raw == kNull) continue;
    std::string const name = place() + (repetitions > 1 ? "(" + std::to_string(at) + ")" : std::string());
    std::string fitted = needs_nothing(raw, type) ? raw : fit_value(raw, type, name);
    if (limited) limit_length(fitted, place(), type, *definition);
    if (fitted != raw) image_.set(address, fitted);
  }
}

/// The dictionary's type, for OBX-5 the one OBX-2 says (which older versions call by other names).
std::string_view Edition::type_of_value(std::size_t segment, std::uint16_t field,
                                        hl7v2::FieldDefinition const& definition) {
  bool const of_obx = image_.segment_id(segment) == "OBX" && (field == 2 || field == 5);
  hl7v2::Address const type{static_cast<std::uint32_t>(segment), 2, 1, 1, 1};
  if (!of_obx || (field == 2 && version_ >= Version::v2_5)) return definition.data_type;
  std::string_view const sent = image_.raw(type);
  std::string_view const named = version_ >= Version::v2_5 ? sent : older_name(sent);
  if (field == 2) {
    if (named == "SN" && !partner_.newer_fields && hl7v2::component_count(version_, named) == 0)
      write_out_numbers(segment);
    else if (named != sent)
      image_.set(type, named);
    return definition.data_type;
  }
  static constexpr std::array<std::string_view, 7> kFitted = {"CE", "CNE", "CWE", "DTM", "TS", "XCN", "XTN"};
  auto const known = std::ranges::find(kFitted, named);
  return known == kFitted.end() ? definition.data_type : *known;
}

/// A version without structured numbers has texts: "<15", "1:128", "10-20".
void Edition::write_out_numbers(std::size_t segment) {
  hl7v2::Address at{static_cast<std::uint32_t>(segment), 5, 1, 0, 0};
  for (std::size_t left = image_.repetition_count(segment, 5); left > 0; --left, ++at.repetition) {
    std::string text;
    for (std::string const& part : split(image_.raw(at), image_.delimiters().component)) text += part;
    image_.set(at, text);
  }
  image_.set({at.segment, 2, 1, 1, 1}, "ST");
}

/// Whether a field's value is of that type in this version as it stands; nearly all are.
bool Edition::needs_nothing(std::string_view raw, std::string_view type) const {
  if (is_open(version_, type)) return true;
  while (!raw.empty()) {
    auto const repetition = take_part(raw, image_.delimiters().repetition);
    if (!needs_nothing_once(repetition, type)) return false;
  }
  return true;
}

bool Edition::needs_nothing_once(std::string_view raw, std::string_view type) const {
  auto const& delimiters = image_.delimiters();
  std::size_t components = 1;
  bool parted = false;
  for (char const c : raw) {
    components += static_cast<std::size_t>(c == delimiters.component);
    parted = parted || c == delimiters.subcomponent;
  }
  bool const simple = components == 1 && !parted;
  if (is_time(type)) return simple && plain_times_ && (type != "DT" || raw.size() <= 8);
  if (simple) return true;
  std::size_t const count = hl7v2::component_count(version_, type);
  if (!plain_times_ && count != 0) return false;
  if (raw.back() == delimiters.component) --components;  // nothing stands behind it
  if (components > std::max<std::size_t>(count, 1)) return false;
  for (std::size_t component = 1; parted && !raw.empty(); ++component) {
    auto const part = take_part(raw, delimiters.component);
    if (!has_fitting_subcomponents(part, type, component)) return false;
  }
  return true;
}

bool Edition::has_fitting_subcomponents(std::string_view part, std::string_view type,
                                        std::size_t component) const {
  char const delimiter = image_.delimiters().subcomponent;
  if (part.find(delimiter) == std::string_view::npos) return true;
  hl7v2::FieldDefinition const* const definition = hl7v2::find_component(version_, type, component);
  if (definition == nullptr) return false;
  if (is_open(version_, definition->data_type)) return true;
  std::size_t const count = hl7v2::component_count(version_, definition->data_type);
  for (std::size_t at = 1; !part.empty(); ++at) {
    auto const sub = take_part(part, delimiter);
    if (at > std::max<std::size_t>(count, 1)) return false;
    hl7v2::FieldDefinition const* const leaf = hl7v2::find_component(version_, definition->data_type, at);
    if (leaf != nullptr && leaf->data_type == "DT" && sub.size() > 8) return false;
  }
  return true;
}

std::string Edition::fit_value(std::string_view raw, std::string_view type, std::string const& place) {
  auto const& delimiters = image_.delimiters();
  auto parts = split(raw, delimiters.component);
  std::size_t const count = hl7v2::component_count(version_, type);
  if (type == "TN") {
    std::string const number = telephone(parts);
    if (!number.empty()) parts[0] = number;
  }
  move_parts(parts, type, count);
  for (std::size_t at = 1; at <= parts.size(); ++at) {
    std::string& part = parts[at - 1];
    if (part.empty()) continue;
    std::string const name = place + "." + std::to_string(at);
    if (at > count && count > 0 && partner_.newer_fields) continue;
    if (at > std::max<std::size_t>(count, 1)) {
      lose(name, "a " + std::string(type) + " of this version has no such component");
      part.clear();
      continue;
    }
    hl7v2::FieldDefinition const* const component = hl7v2::find_component(version_, type, at);
    // TS.1 is the point in time itself, whatever the dictionary calls it.
    bool const whole = component == nullptr || (is_time(type) && at == 1);
    std::string_view const inner = whole ? type : component->data_type;
    if (is_open(version_, inner)) continue;
    std::size_t const subparts = whole ? 0 : hl7v2::component_count(version_, inner);
    auto subs = split(part, delimiters.subcomponent);
    for (std::size_t sub = 1; sub <= subs.size(); ++sub) {
      if (subs[sub - 1].empty()) continue;
      if (sub > subparts && subparts > 0 && partner_.newer_fields) continue;
      if (sub > std::max<std::size_t>(subparts, 1)) {
        lose(name + "." + std::to_string(sub),
             "a " + std::string(inner) + " of this version has no such subcomponent");
        subs[sub - 1].clear();
        continue;
      }
      hl7v2::FieldDefinition const* const leaf =
          is_time(inner) || subparts == 0 ? nullptr : hl7v2::find_component(version_, inner, sub);
      subs[sub - 1] = fit_leaf(subs[sub - 1], leaf == nullptr ? inner : leaf->data_type, name);
    }
    part = join(subs, delimiters.subcomponent);
  }
  return join(parts, delimiters.component);
}

std::string Edition::fit_leaf(std::string_view raw, std::string_view type, std::string const& place) {
  return is_time(type) ? fit_time(raw, type, place) : std::string(raw);
}

/// Precision and zone as the partner wants them. What is no point in time is none of ours.
std::string Edition::fit_time(std::string_view dtm, std::string_view type, std::string const& place) {
  auto const sign = dtm.find_first_of("+-");
  std::string_view const offset = sign == std::string_view::npos ? std::string_view{} : dtm.substr(sign);
  std::string digits(dtm.substr(0, sign));
  bool const formed = digits.size() >= 4 && digits.find_first_not_of("0123456789.") == std::string::npos &&
                      (offset.empty() || (offset.size() == 5 && offset.find_first_not_of("0123456789", 1) ==
                                                                    std::string_view::npos));
  if (!formed) return std::string(dtm);
  bool const has_time = digits.size() > 8;
  bool const bare = !partner_.write_offset || version_ == Version::v2_1;
  if (bare && has_time && digits.size() >= 10 && !offset.empty())
    digits = moved(digits, minutes_of(partner_.utc_offset) - minutes_of(offset));
  std::size_t wanted = digits.size();
  if (partner_.precision == TimePrecision::second) wanted = std::min<std::size_t>(wanted, 14);
  if (partner_.precision == TimePrecision::minute) wanted = std::min<std::size_t>(wanted, 12);
  if (partner_.precision == TimePrecision::day || type == "DT") wanted = std::min<std::size_t>(wanted, 8);
  bool const shortened =
      digits.find_first_not_of("0.", wanted) != std::string::npos && wanted < digits.size();
  if (shortened) lose(place, "the partner takes a point in time no more precisely");
  digits.resize(wanted);
  if (!bare && digits.size() > 8) digits.append(offset);
  return digits;
}

void Edition::limit_length(std::string& raw, std::string const& place, std::string_view type,
                           hl7v2::FieldDefinition const& field) {
  std::size_t limit = partner_.dictionary_lengths ? field.length_max : 0U;
  std::string_view who = "HL7 v2";
  for (LengthLimit const& one : partner_.lengths) {
    if (one.place == place) {
      limit = one.characters;
      who = "the partner's profile";
    }
    if (one.place.starts_with(place + ".")) limit_component(raw, one, type, field);
  }
  if (limit == 0 || hl7v2::character_count(raw) <= limit) return;
  auto parts = split(raw, image_.delimiters().component);
  auto const words = longest_words(parts, type, field);
  std::size_t const over = hl7v2::character_count(raw) - limit;
  if (!words || hl7v2::character_count(parts[*words]) <= over)
    return lose(place, "longer than " + std::string(who) + " takes, and written whole");
  hl7v2::cut_text(parts[*words], hl7v2::character_count(parts[*words]) - over, image_.delimiters().escape);
  raw = join(parts, image_.delimiters().component);
  lose(place, "longer than the " + std::to_string(limit) + " characters that " + std::string(who) + " takes");
}

void Edition::limit_component(std::string& raw, LengthLimit const& to, std::string_view type,
                              hl7v2::FieldDefinition const& field) {
  auto parts = split(raw, image_.delimiters().component);
  auto const digits = std::string_view(to.place).substr(to.place.find('.') + 1);
  auto const number = static_cast<std::size_t>(std::max(number_of(digits), 1));
  if (number > parts.size() || hl7v2::character_count(parts[number - 1]) <= to.characters) return;
  std::string const what =
      "longer than the " + std::to_string(to.characters) + " characters that the partner's profile takes";
  if (!may_be_cut(type, number, field)) return lose(to.place, what + ", and written whole");
  if (!hl7v2::cut_text(parts[number - 1], to.characters, image_.delimiters().escape)) return;
  lose(to.place, what);
  raw = join(parts, image_.delimiters().component);
}

/// What is longer as a whole loses the end of its longest words: its structure stays.
std::optional<std::size_t> Edition::longest_words(std::vector<std::string> const& parts,
                                                  std::string_view type,
                                                  hl7v2::FieldDefinition const& field) const {
  std::optional<std::size_t> longest;
  for (std::size_t at = 0; at < parts.size(); ++at) {
    bool const is_one = parts[at].find(image_.delimiters().subcomponent) == std::string::npos;
    if (!is_one || !may_be_cut(type, at + 1, field)) continue;
    if (!longest || parts[at].size() > parts[*longest].size()) longest = at;
  }
  return longest;
}

}  // namespace mappings::language
