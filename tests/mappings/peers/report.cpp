#include "report.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fnmatch.h>
#include <fstream>
#include <iomanip>
#include <ostream>
#include <stdexcept>

namespace mappings::peers {
namespace {

constexpr std::array<std::string_view, 4> kOrigins{"said", "elsewhere", "made", "link"};

/// "theirs-said", "differs"
std::string kind_of(Difference const& difference) {
  if (difference.kind == Kind::differs) return "differs";
  if (difference.kind == Kind::refused) return "refused";
  return std::string(difference.kind == Kind::ours ? "ours-" : "theirs-") +
         std::string(kOrigins[static_cast<std::size_t>(difference.origin)]);
}

std::string trimmed(std::string_view text) {
  auto const begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(' ') - begin + 1));
}

bool fits(std::string const& pattern, std::string const& text) {
  return pattern.empty() || fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

std::string described(Difference const& difference) {
  std::string text = kind_of(difference);
  text += " " + difference.path;
  if (difference.kind != Kind::theirs) text += " | ours: " + difference.ours;
  if (difference.kind != Kind::ours) text += " | theirs: " + difference.theirs;
  return text;
}

}  // namespace

Report::Report(std::string peer, std::string const& file) : peer_(std::move(peer)) {
  std::ifstream in(std::string(HANDOFF_SOURCE_DIR "/tests/mappings/peers/") + file);
  if (!in) throw std::runtime_error("no " + file);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    auto const why = line.find(" : ");
    if (why == std::string::npos || trimmed(line.substr(why + 3)).empty())
      throw std::runtime_error(file + " gives no reason: " + line);
    std::vector<std::string> columns;
    std::string const left = line.substr(0, why);
    for (std::size_t begin = 0; begin <= left.size();) {
      auto const end = std::min(left.find('|', begin), left.size());
      columns.push_back(trimmed(std::string_view(left).substr(begin, end - begin)));
      begin = end + 1;
    }
    columns.resize(4);
    classes_.push_back(
        {columns[0], columns[1], columns[2], columns[3], trimmed(line.substr(why + 3)), 0, {}});
  }
}

Report::Class* Report::class_of(Difference const& difference) {
  std::string const kind = kind_of(difference);
  auto const found = std::ranges::find_if(classes_, [&](Class const& one) {
    return fits(one.kind, kind) && fits(one.path, difference.path) && fits(one.ours, difference.ours) &&
           fits(one.theirs, difference.theirs);
  });
  return found == classes_.end() ? nullptr : &*found;
}

void Report::take_refused(std::string const& type, std::string const& name, std::string const& why) {
  explain(name, {Kind::refused, type, why, {}});
}

void Report::explain(std::string const& name, Difference const& difference) {
  if (Class* const known = class_of(difference)) {
    if (known->count++ == 0) known->example = name + ": " + described(difference);
    return;
  }
  auto& [count, example] = unexplained_[kind_of(difference) + " " + difference.path];
  if (count++ < 3) example += "\n      " + name + ": " + described(difference);
}

void Report::take(std::string const& type, std::string const& name, Comparison const& comparison) {
  Figures& figures = by_type_[type];
  ++figures.cases;
  figures.agreeing += comparison.agreeing;
  for (Difference const& one : comparison.differences) {
    ++(one.kind == Kind::ours ? figures.ours : one.kind == Kind::theirs ? figures.theirs : figures.differing);
    explain(name, one);
  }
}

void Report::print_row(std::ostream& out, std::string const& name, Figures const& figures) {
  out << std::left << std::setw(28) << name << std::right;
  for (std::size_t const number :
       {figures.cases, figures.agreeing, figures.ours, figures.theirs, figures.differing})
    out << std::setw(9) << number;
  out << "\n";
}

void Report::print(std::ostream& out) const {
  out << peer_ << "\n"
      << std::left << std::setw(28) << "type" << std::right << std::setw(9) << "cases" << std::setw(9)
      << "agree" << std::setw(9) << "ours" << std::setw(9) << "theirs" << std::setw(9) << "differ"
      << "\n";
  Figures all;
  for (auto const& [type, figures] : by_type_) {
    print_row(out, type, figures);
    all.cases += figures.cases;
    all.agreeing += figures.agreeing;
    all.ours += figures.ours;
    all.theirs += figures.theirs;
    all.differing += figures.differing;
  }
  print_row(out, "all", all);
  if (std::getenv("PEERS_REPORT") == nullptr) return;
  for (Class const& one : classes_)
    out << one.count << "  " << one.kind << " " << one.path << ": " << one.why << "\n      " << one.example
        << "\n";
}

std::string Report::unexplained() const {
  std::string all;
  for (auto const& [name, found] : unexplained_)
    all += std::to_string(found.first) + "  " + name + found.second + "\n";
  return all;
}

std::string Report::unused() const {
  std::string all;
  for (Class const& one : classes_) {
    if (one.count == 0) all += one.kind + " | " + one.path + " | " + one.ours + " | " + one.theirs + "\n";
  }
  return all;
}

std::size_t Report::cases(std::string const& type) const {
  auto const found = by_type_.find(type);
  return found == by_type_.end() ? 0 : found->second.cases;
}

std::size_t Report::agreeing() const {
  std::size_t sum = 0;
  for (auto const& [type, figures] : by_type_) sum += figures.agreeing;
  return sum;
}

}  // namespace mappings::peers
