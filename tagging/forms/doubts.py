"""Forms of costs in doubt."""

from django import forms

from tagging.forms.closes import TEXT_LIMIT


class DoubtForm(forms.Form):
    """Why costs are not the team's, and whose they are in the reader's own words."""

    text = forms.CharField(label="Why is this not yours?", max_length=TEXT_LIMIT, widget=forms.Textarea({"rows": 3}))
    belongs_to = forms.CharField(
        label="Whose is it?", max_length=160, required=False, help_text="As you know it; may stay empty."
    )
