#include "mappings/delimited/csv.hpp"

namespace mappings::delimited {

namespace {

class Reader {
 public:
  Reader(std::string_view text, char delimiter) : text_(text), delimiter_(delimiter) {}

  std::vector<std::vector<std::string>> rows() {
    std::vector<std::vector<std::string>> all;
    while (at_ < text_.size()) all.push_back(row());
    return all;
  }

 private:
  std::vector<std::string> row() {
    std::vector<std::string> cells;
    for (;;) {
      cells.push_back(cell());
      if (at_ == text_.size()) return cells;
      char const end = text_[at_++];
      if (end == delimiter_) continue;
      if (end == '\r' && at_ < text_.size() && text_[at_] == '\n') ++at_;
      return cells;
    }
  }

  std::string cell() {
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    std::size_t const begin = at_;
    while (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted() {
    std::string cell;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"' && (++at_ == text_.size() || text_[at_] != '"')) break;
      cell += text_[at_];
    }
    // What stands between a closing quote and the delimiter belongs to the cell.
    while (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '\n' && text_[at_] != '\r')
      cell += text_[at_++];
    return cell;
  }

  std::string_view text_;
  char delimiter_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<std::vector<std::string>> read_csv(std::string_view text, char delimiter) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return Reader(text, delimiter).rows();
}

}  // namespace mappings::delimited
