#include "gateway/rest/commit.hpp"

#include "gateway/rest/times.hpp"

#include <memory>

namespace gateway::rest {

namespace asio = net::asio;

asio::awaitable<fhir::Result<Committed>> commit_writes(Context const& context, Request const& request,
                                                       std::vector<Write> writes, store::Compute also) {
  // The compute function may run again on another thread, so it owns what it needs; the last run's findings
  // count.
  auto const found = std::make_shared<std::vector<Written>>();
  WriteSetting setting{
      context.settings.base_url,           request.principal.source,   context.ids, request.path.empty(),
      context.judge_of(request.principal), to_instant(context.clock())};
  auto const owned = std::make_shared<std::vector<Write> const>(std::move(writes));
  store::Compute compute = [found, owned, setting = std::move(setting),
                            also = std::move(also)](store::Unit& unit) -> fhir::Result<void> {
    FHIR_TRY(*found, apply_writes(unit, *owned, setting));
    if (also) return also(unit);
    return {};
  };
  intake::RequestFacts facts{request.method + (request.type.empty() ? " Bundle" : ' ' + request.type),
                             request.request_id};
  auto receipt = co_await context.writer.commit(request.principal, std::move(facts), std::move(compute));
  if (!receipt) co_return std::move(receipt).error();
  co_return Committed{std::move(*found), *std::move(receipt)};
}

Answer answer_committed(Committed const& committed, std::size_t index, Write const& write,
                        Returning returning) {
  Written const& written = committed.written[index];
  store::Version version = version_of(committed.receipt, write, written);
  if (write.kind == WriteKind::remove) {
    Answer answer;
    answer.status = 204;
    if (version.deleted) {
      answer.version_id = version.version_id;
      answer.last_updated_ms = version.last_updated_ms;
    }
    return answer;
  }
  bool const created = written.created;
  Answer answer = answer_written(std::move(version), created ? 201 : 200, returning);
  return answer;
}

asio::awaitable<void> run_planning(Context const& context, Request const& request,
                                   std::function<void()> plan) {
  if (context.judge_of(request.principal).judging == Judging::full && context.run_on_pool) {
    co_await context.run_on_pool(std::move(plan));
  } else {
    plan();
  }
}

asio::awaitable<Answer> commit_one(Context const& context, Request const& request, Planned planned) {
  if (!planned.issues.empty()) {
    co_return refuse(planned.issues);
  }
  std::vector<Write> writes{planned.write};
  auto const committed = co_await commit_writes(context, request, std::move(writes));
  if (!committed) co_return refuse(committed.error());
  co_return answer_committed(*committed, 0, planned.write, request.returning);
}

}  // namespace gateway::rest
