"""What is wrong with pictures and videos that cannot be used, as sentences for clients."""

from __future__ import annotations

from typing import Any

from ..config.limits import Limits
from ..errors import BadRequest, Internal, SightdError, Unprocessable
from .kinds import Kind


def decoder_died(kind: Kind) -> SightdError:
    """The error for a picture or video that ended two decoders."""
    return BadRequest(
        f"The {kind.english} could not be decoded.", f"{kind.chinese}无法解码。", code=f"invalid_{kind.type}"
    )


def took_too_long(kind: Kind, seconds: float) -> SightdError:
    """The error for a picture or video that was not decoded in time."""
    english, chinese = kind.lighter
    return Unprocessable(
        f"The {kind.english} took longer than {seconds:g} seconds to decode. Send a {english} one.",
        f"{kind.chinese}解码超过了 {seconds:g} 秒的时限，请发送{chinese}。",
        code=f"invalid_{kind.type}",
    )


HEAVY = {
    "too_much_memory": (
        "The picture needs more memory to decode than is allowed. Send a smaller one.",
        "解码该图片所需的内存超过了限制，请缩小后再上传。",
    ),
    "too_many_pieces": (
        "The picture's file is made of so many pieces that decoding them would take too long. Save it anew.",
        "图片文件由过多的数据块组成，解码耗时过长，请重新保存后再上传。",
    ),
}


def picture_error(fault: str, width: int, height: int, max_pixels: int) -> SightdError:
    """The error for a fault that a decoder found; `width` and `height` are the picture's."""
    match fault:
        case "not_a_picture":
            return BadRequest(
                "The file is not a picture that can be read. Send JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF.",
                "文件不是可识别的图片，请上传 JPEG、PNG、WebP、GIF、BMP、TIFF 或 AVIF 格式的图片。",
                code="invalid_image",
            )
        case "broken":
            english = "The picture is damaged or incomplete and cannot be decoded."
            return BadRequest(english, "图片已损坏或不完整，无法解码。", code="invalid_image")
        case "too_many_pixels":
            return Unprocessable(
                f"The picture has {width} x {height} pixels; at most {max_pixels} are allowed. Send a smaller one.",
                f"图片尺寸为 {width}×{height} 像素，超过了最多 {max_pixels} 像素的限制，请缩小后再上传。",
                code="image_too_large",
            )
        case "too_narrow":
            return Unprocessable(
                f"The picture is {width} x {height} pixels: one side is too many times longer than the other.",
                f"图片尺寸为 {width}×{height} 像素，长宽比例过大，无法处理。",
                code="invalid_image",
            )
        case "too_much_memory" | "too_many_pieces":
            return Unprocessable(*HEAVY[fault], code="image_too_large")
    return Internal()


def video_error(told: dict[str, Any], limits: Limits) -> SightdError:
    """The error for a fault that a decoder found, with what it `told` of the video."""
    size = f"{told['width']} x {told['height']}"
    value = told["value"]
    sentences = {
        "not_a_video": (
            "The file is not a video that can be read. Send MP4, MOV, WebM, MKV, AVI, FLV or MPEG.",
            "文件不是可识别的视频，请上传 MP4、MOV、WebM、MKV、AVI、FLV 或 MPEG 格式的视频。",
        ),
        "broken": ("The video is damaged or incomplete and cannot be decoded.", "视频已损坏或不完整，无法解码。"),
        "codec": (
            f"The video's coding {str(value)[:40]!r} is not supported. Send H.264, H.265, VP8, VP9, AV1 or MPEG-4.",
            "不支持该视频的编码，请使用 H.264、H.265、VP8、VP9、AV1 或 MPEG-4 编码。",
        ),
        "no_rate": (
            "The video does not say how many frames pass in a second.",
            "视频没有有效的帧率信息。",
        ),
        "too_long": (
            (
                f"The video is {float_of(value):.1f} seconds long; at most {limits.video_seconds:g} are allowed. "
                "Send a shorter one."
            ),
            f"视频时长为 {float_of(value):.1f} 秒，超过了 {limits.video_seconds:g} 秒的限制，请剪短后再上传。",
        ),
        "too_many_frames": (
            f"The video has more than {limits.video_file_frames} frames, which is the limit. Send a shorter one.",
            f"视频帧数超过了 {limits.video_file_frames} 帧的限制，请剪短后再上传。",
        ),
        "too_many_pixels": (
            (
                f"The video's frames have {size} pixels; at most {limits.video_frame_pixels} are allowed. "
                "Send a smaller one."
            ),
            f"视频画面为 {size} 像素，超过了最多 {limits.video_frame_pixels} 像素的限制，请缩小后再上传。",
        ),
        "too_narrow": (
            f"The video's frames are {size} pixels: one side is too many times longer than the other.",
            f"视频画面为 {size} 像素，长宽比例过大，无法处理。",
        ),
        "too_much_memory": (
            "The video needs more memory to decode than is allowed. Send a smaller one.",
            "解码该视频所需的内存超过了限制，请缩小后再上传。",
        ),
    }
    if told["fault"] not in sentences:
        return Internal()
    english, chinese = sentences[told["fault"]]
    if told["fault"] in ("not_a_video", "broken"):
        return BadRequest(english, chinese, code="invalid_video")
    large = told["fault"].startswith("too_") and told["fault"] != "too_narrow"
    return Unprocessable(english, chinese, code="video_too_large" if large else "invalid_video")


def float_of(value: object) -> float:
    """What a decoder told as a number."""
    return float(value) if isinstance(value, (int, float)) else 0.0
