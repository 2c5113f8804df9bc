from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from matcher.fields import Identifier
from matcher.industries import INDUSTRIES, Industry
from matcher.sample import read_sample


def test_each_industry_has_an_id_that_serves_as_one_and_names_of_its_own() -> None:
    for id in INDUSTRIES:
        TypeAdapter(Identifier).validate_python(id)
    for language in ("ja", "en"):
        names = [getattr(name, language) for name in INDUSTRIES.values()]
        assert all(names)
        assert len(set(names)) == len(names)


def test_a_word_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValidationError, match="'retail'"):
        TypeAdapter(Industry).validate_python("retial")


def test_the_sample_speaks_of_industries_that_are_known() -> None:
    sample = read_sample()
    told = {each.industry for each in sample.organizations}
    told |= {industry for each in sample.experts for industry in each.industries}
    assert told <= set(INDUSTRIES)
