"""The executor that runs steps in the process of the run: one after another, with async steps interleaved beside them.

It returns events and decides nothing. Ordinary steps run in the calling thread; `async` ones in one event loop in a thread
of its own, as many at a time as are ready.
"""

from __future__ import annotations

import heapq
import queue
import time
from collections import deque
from collections.abc import Iterable, Iterator
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from headwater.engine.run_scope import RunScope
from headwater.engine.run_state import LaunchStep
from headwater.engine.step_attempt import StepAttempt
from headwater.engine.time_limit import TimeIsUp, time_limit
from headwater.model.events import Event, StepSucceeded

if TYPE_CHECKING:
    import asyncio
    import threading


class InlineExecutor:
    """Runs the steps of one run in this process."""

    def __init__(self, scope: RunScope) -> None:
        self.scope = scope
        self._ready: deque[LaunchStep] = deque()
        self._ready_async: list[LaunchStep] = []
        self._delayed: list[tuple[float, int, LaunchStep]] = []
        self._number = 0
        self._async_in_flight = 0
        self._outbox: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._broken_off: list[Event] = []
        # By step, the `async` ones in flight; and those that are being stopped one by one.
        self._futures: dict[str, Any] = {}
        self._stopping: set[str] = set()

    def launch(self, commands: Iterable[LaunchStep]) -> None:
        """Take in steps to be started; those with a time start when it has come."""
        for command in commands:
            if command.not_before > 0.0:
                self._number += 1
                heapq.heappush(self._delayed, (command.not_before, self._number, command))
            else:
                self._make_ready(command)

    def events(self) -> Iterator[Event]:
        """Run until the next step has ended and yield what happens on the way; at once when there is nothing to do."""
        self._take_due()
        self._start_async()
        if self._ready:
            yield from self._run(self._ready.popleft())
            if self._async_in_flight:
                yield from self._arrived(wait_seconds=0.0)
        elif self._async_in_flight:
            wait = None if not self._delayed else max(0.0, self._delayed[0][0] - time.time())
            yield from self._arrived(wait_seconds=wait)
        elif self._delayed:
            due_at = self._delayed[0][0]
            ends_at = self.scope.ends_at
            time.sleep(max(0.0, (due_at if ends_at is None else min(due_at, ends_at + 0.001)) - time.time()))

    def drop_pending(self) -> None:
        """Forget the steps that have not started."""
        self._ready.clear()
        self._ready_async.clear()
        self._delayed.clear()

    def break_off(self) -> list[Event]:
        """Stop everything; return what is known of steps that were running, also of the one that was interrupted."""
        self.drop_pending()
        self.close()
        events, self._broken_off = self._broken_off, []
        while True:
            try:
                event = self._outbox.get_nowait()
            except queue.Empty:
                return events
            if event is not None:
                events.append(self._ended(event))

    def close(self) -> None:
        """End the event loop, and with it every async step that is still running."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._loop is not None and self._thread is not None:
            loop = self._loop
            loop.call_soon_threadsafe(self._cancel_all)
            self._thread.join(timeout=10.0)

    def stop_async(self, step_key: str) -> None:
        """End one `async` step; it is told of as canceled."""
        future = self._futures.get(step_key)
        if future is not None:
            self._stopping.add(step_key)
            future.cancel()

    def _is_over(self, attempt: StepAttempt) -> None:
        """Called when an `async` step has told all that it had to tell."""

    def _is_stopping(self, step_key: str) -> bool:
        return self._is_closed or step_key in self._stopping

    def _take_due(self) -> None:
        now = time.time()
        while self._delayed and self._delayed[0][0] <= now:
            self._make_ready(heapq.heappop(self._delayed)[2])

    def _make_ready(self, launch: LaunchStep) -> None:
        if launch.step.is_async:
            self._ready_async.append(launch)
        else:
            self._ready.append(launch)

    # -------------------------------------------------------------------------------------------------- ordinary steps

    def _attempt(self, launch: LaunchStep) -> StepAttempt:
        mapping_key = launch.mapping_key
        template = launch.key if mapping_key is None else launch.key[: -len(mapping_key) - 2]
        return StepAttempt(self.scope, launch, self.scope.steps[template])

    def _ended(self, event: Event) -> Event:
        if isinstance(event, StepSucceeded) and event.step_key is not None:
            self.scope.record_given(event.step_key, [(ref.name, ref.mapping_key) for ref in event.outputs])
        return event

    def _run(self, launch: LaunchStep) -> Iterator[Event]:
        attempt = self._attempt(launch)
        yield attempt.start()
        with self.scope.logs.attempt(
            self.scope.run.run_id, attempt.key, launch.attempt, loggers=self.scope.loggers
        ) as log:
            ends_at = attempt.ends_at
            events: list[Event] = []
            try:
                if ends_at is None:
                    returned = attempt.call(log)
                    if attempt.op.signature.kind == "generator" or isinstance(returned, GeneratorType):
                        for item in returned:
                            yield from attempt.take(item)
                    else:
                        for item in attempt.items_of(returned):
                            events.extend(attempt.take(item))
                else:
                    # Each thing is told as it comes; recording it does not count, and is not interrupted.
                    with time_limit(ends_at - time.time()):
                        returned = attempt.call(log)
                    given = returned if isinstance(returned, GeneratorType) else attempt.items_of(returned)
                    while True:
                        with time_limit(ends_at - time.time()):
                            item = next(given, _NO_MORE)
                            taken = attempt.take(item) if item is not _NO_MORE else []
                        if item is _NO_MORE:
                            break
                        yield from taken
                events.extend(attempt.finish())
            except (KeyboardInterrupt, GeneratorExit):
                self._broken_off = [*events, *attempt.broken_off()]
                raise
            except SystemExit as error:
                events.extend(attempt.fail(_exit_as_error(error)))
            except BaseException as error:
                # Also what is no Exception, such as the Failed and Skipped of test tools: the step is what has ended.
                events.extend(attempt.fail(error))
        for number, event in enumerate(events, start=1):
            try:
                yield self._ended(event)
            except GeneratorExit:
                self._broken_off = [self._ended(later) for later in events[number:]]
                raise

    # ----------------------------------------------------------------------------------------------------- async steps

    def _start_async(self) -> None:
        """Hand every ready async step to the event loop."""
        if not self._ready_async:
            return
        import asyncio

        if self._loop is None:
            self._start_loop()
        assert self._loop is not None
        for launch in self._ready_async:
            self._async_in_flight += 1
            self._futures[launch.key] = asyncio.run_coroutine_threadsafe(self._run_async(launch), self._loop)
        self._ready_async.clear()

    def _start_loop(self) -> None:
        import asyncio
        import threading

        loop = self._loop = asyncio.new_event_loop()

        def serve() -> None:
            asyncio.set_event_loop(loop)
            try:
                loop.run_forever()
                loop.run_until_complete(loop.shutdown_asyncgens())
            finally:
                loop.close()

        self._thread = threading.Thread(target=serve, name="headwater-async-steps", daemon=True)
        self._thread.start()

    def _cancel_all(self) -> None:
        import asyncio

        assert self._loop is not None
        loop = self._loop
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()

        async def stop_when_done() -> None:
            others = [task for task in tasks if not task.done()]
            if others:
                await asyncio.wait(others, timeout=5.0)
            loop.stop()

        loop.create_task(stop_when_done())

    async def _run_async(self, launch: LaunchStep) -> None:
        import asyncio

        attempt = self._attempt(launch)
        put = self._outbox.put
        put(attempt.start())
        try:
            with self.scope.logs.attempt(
                self.scope.run.run_id, attempt.key, launch.attempt, loggers=self.scope.loggers
            ) as log:
                try:
                    ends_at = attempt.ends_at
                    left = None if ends_at is None else max(0.0, ends_at - time.time())
                    async with asyncio.timeout(left) as limit:
                        returned = attempt.call(log)
                        if hasattr(returned, "__anext__"):
                            async for item in returned:
                                for event in attempt.take(item):
                                    put(event)
                        else:
                            for item in attempt.items_of(await returned):
                                for event in attempt.take(item):
                                    put(event)
                    ended = attempt.finish()
                    if ends_at is not None and time.time() > ends_at:
                        # Code that blocks the event loop is not interrupted, but it is late all the same.
                        ended = attempt.fail(TimeIsUp())
                except TimeoutError as error:
                    ended = attempt.fail(TimeIsUp() if limit.expired() else error)
                except asyncio.CancelledError as error:
                    ended = (
                        attempt.broken_off() if self._is_stopping(attempt.key) else attempt.fail(_exit_as_error(error))
                    )
                except (SystemExit, KeyboardInterrupt) as error:
                    ended = attempt.fail(_exit_as_error(error))
                except BaseException as error:
                    ended = attempt.fail(error)
            for event in ended:
                put(event)
        finally:
            self._futures.pop(attempt.key, None)
            self._stopping.discard(attempt.key)
            self._is_over(attempt)
            put(None)

    def _arrived(self, wait_seconds: float | None) -> Iterator[Event]:
        """Yield what async steps have told: at least until one has ended, when `wait_seconds` is None."""
        while self._async_in_flight:
            try:
                event = (
                    self._outbox.get(timeout=_LONG if wait_seconds is None else wait_seconds)
                    if (wait_seconds is None or wait_seconds > 0)
                    else self._outbox.get_nowait()
                )
            except queue.Empty:
                if wait_seconds is None:
                    continue
                return
            if event is None:
                self._async_in_flight -= 1
                return
            yield self._ended(event)


# Waits are cut so that Ctrl-C is seen.
_LONG = 0.5
_NO_MORE = object()


def _exit_as_error(error: BaseException) -> Exception:
    what = f"sys.exit({error.code!r})" if isinstance(error, SystemExit) else f"a {type(error).__name__}"
    made = RuntimeError(f"The step's code ended with {what}.")
    made.__cause__ = error
    return made
