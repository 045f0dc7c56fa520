#include "gateway/store/instant.hpp"

#include <chrono>

namespace gateway::store {

std::string to_instant(std::int64_t milliseconds_since_1970) {
  using namespace std::chrono;
  sys_time<milliseconds> const time{milliseconds{milliseconds_since_1970}};
  auto const day = floor<days>(time);
  year_month_day const date{day};
  hh_mm_ss const clock{time - day};
  // By hand: each stored version has two of these, and a formatting library costs twenty times as much.
  std::string text = "0000-00-00T00:00:00.000Z";
  auto const write = [&](std::size_t first, std::size_t digits, std::int64_t number) {
    for (std::size_t at = first + digits; at-- > first; number /= 10)
      text[at] = static_cast<char>('0' + number % 10);
  };
  write(0, 4, static_cast<int>(date.year()));
  write(5, 2, static_cast<unsigned>(date.month()));
  write(8, 2, static_cast<unsigned>(date.day()));
  write(11, 2, clock.hours().count());
  write(14, 2, clock.minutes().count());
  write(17, 2, clock.seconds().count());
  write(20, 3, clock.subseconds().count());
  return text;
}

}  // namespace gateway::store
