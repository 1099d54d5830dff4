"""The programme: the 90-day plan with measured progress, its targets, business case, risks and savings."""
