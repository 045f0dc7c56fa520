#include "gateway/store/instant.hpp"

#include <fmt/format.h>

#include <chrono>

namespace gateway::store {

std::string to_instant(std::int64_t milliseconds_since_1970) {
  using namespace std::chrono;
  sys_time<milliseconds> const time{milliseconds{milliseconds_since_1970}};
  auto const day = floor<days>(time);
  year_month_day const date{day};
  hh_mm_ss const clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace gateway::store
