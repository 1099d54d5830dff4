"""What usage types of storage say: the class data is kept in, and what reading it costs."""

# How the usage type ends, after a region's prefix → the class as inventories and people call it.
CLASSES = {
    "EBS:VolumeUsage.gp2": "gp2",
    "EBS:VolumeUsage.gp3": "gp3",
    "EBS:VolumeUsage.piops": "io1",
    "EBS:VolumeUsage.io2": "io2",
    "EBS:VolumeUsage.st1": "st1",
    "EBS:VolumeUsage.sc1": "sc1",
    "EBS:VolumeUsage": "magnetic",
    "TimedStorage-ByteHrs": "STANDARD",
    "TimedStorage-SIA-ByteHrs": "STANDARD_IA",
    "TimedStorage-ZIA-ByteHrs": "ONEZONE_IA",
    "TimedStorage-GIR-ByteHrs": "GLACIER_IR",
    "TimedStorage-GlacierByteHrs": "GLACIER",
    "TimedStorage-GDA-ByteHrs": "DEEP_ARCHIVE",
    "TimedStorage-RRS-ByteHrs": "REDUCED_REDUNDANCY",
}
READING_PARTS = ("Requests-", "DataTransfer-Out-Bytes", "Retrieval-")


def storage_class(usage_type: str) -> str:
    """The class a usage type (`EUW1-TimedStorage-ByteHrs`, or an inventory's own class) pays for; '' for none."""
    if usage_type in CLASSES.values():
        return usage_type
    for ending in (usage_type, usage_type.partition("-")[2]):
        if ending in CLASSES:
            return CLASSES[ending]
    return ""


def usage_ending(name: str) -> str:
    """How usage types of a class end; the name itself for a class that is not known."""
    return next((ending for ending, known in CLASSES.items() if known == name), name)


def is_reading(usage_type: str) -> bool:
    """Whether a usage type pays for reading or writing what is stored."""
    return any(part in usage_type for part in READING_PARTS)
