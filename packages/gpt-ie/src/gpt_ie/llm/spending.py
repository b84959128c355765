"""What was spent, what the next call will likely take, and whether it may still be made. Pure."""

from gpt_ie.llm.prices import Price
from gpt_ie.llm.retries import Allowance
from gpt_ie.schema import EngineUnavailableError, Usage

# Before the first answer: characters of English and JSON in a token, and tokens of an answer.
_CHARACTERS = 3.5
_ANSWER = 400


class Spending:
    """Totals of an engine, retries and failed reports included."""

    def __init__(self, price: Price | None, max_cost: float | None, label: str) -> None:
        """Start at nothing.

        Args:
            price: None where it is not known.
            max_cost: US dollars; None for no limit.
            label: The model's, for messages.

        Raises:
            EngineUnavailableError: When there is a limit but no price to count with.
        """
        if max_cost is not None and price is None:
            raise EngineUnavailableError(
                f"the price of {label!r} is not known, so a cost limit cannot be kept: give the "
                "price with --price, e.g. --price 0.15,0.60 (dollars for a million tokens sent, "
                "received), or leave --max-cost out"
            )
        self._price = price
        self._max_cost = max_cost
        self._calls = 0
        self._prompt_tokens = 0
        self._completion_tokens = 0
        self._answers = 0
        self._characters = 0
        self._under_way = 0.0

    @property
    def usage(self) -> Usage:
        """The totals so far."""
        return Usage(
            calls=self._calls,
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
            cost=self._cost(self._prompt_tokens, self._completion_tokens),
        )

    def of(self, allowance: Allowance) -> Usage:
        """What one report took."""
        return Usage(
            calls=allowance.calls,
            prompt_tokens=allowance.prompt_tokens,
            completion_tokens=allowance.completion_tokens,
            cost=self._cost(allowance.prompt_tokens, allowance.completion_tokens),
        )

    def expected(self, characters: int) -> tuple[int, int]:
        """Tokens that a call will likely take, from the calls so far.

        Args:
            characters: Of all messages.

        Returns:
            Sent, received.
        """
        if not self._answers or not self._prompt_tokens:
            return round(characters / _CHARACTERS), _ANSWER
        sent = characters * self._prompt_tokens / self._characters
        return round(sent), round(self._completion_tokens / self._answers)

    def begin(self, characters: int) -> float:
        """Set aside what a call will likely cost.

        Args:
            characters: Of all messages.

        Returns:
            What was set aside, to be given to `end`.

        Raises:
            EngineUnavailableError: When the limit would be passed.
        """
        cost = self._cost(*self.expected(characters)) or 0.0
        if self._max_cost is not None:
            spent = self._cost(self._prompt_tokens, self._completion_tokens) or 0.0
            if spent + self._under_way + cost > self._max_cost:
                raise EngineUnavailableError(
                    f"the cost limit of ${self._max_cost:g} is reached: ${spent:.4f} spent in "
                    f"{self._calls} calls; what is done is kept, and a higher --max-cost goes on "
                    "from there"
                )
        self._under_way += cost
        return cost

    def end(self, aside: float) -> None:
        """Count a call, and free what was set aside for it."""
        self._calls += 1
        self._under_way -= aside

    def answered(self, characters: int, prompt_tokens: int, completion_tokens: int) -> None:
        """Count the tokens of an answer, a faulty one too."""
        self._answers += 1
        self._characters += characters
        self._prompt_tokens += prompt_tokens
        self._completion_tokens += completion_tokens

    def _cost(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        return None if self._price is None else self._price.cost(prompt_tokens, completion_tokens)
