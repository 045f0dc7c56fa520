#include "mappings/hl7v2/timestamp.hpp"

#include <ctime>

namespace mappings::hl7v2 {

std::string to_dtm(std::int64_t ms_since_1970) {
  std::time_t const seconds = static_cast<std::time_t>(ms_since_1970 / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y%m%d%H%M%S+0000", &utc)};
}

}  // namespace mappings::hl7v2
