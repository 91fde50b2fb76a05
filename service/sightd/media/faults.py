"""What is wrong with pictures that cannot be used, as sentences for clients."""

from __future__ import annotations

from ..errors import BadRequest, Internal, SightdError, Unprocessable


def decoder_died() -> SightdError:
    """The error for a picture that ended two decoders."""
    return BadRequest("The picture could not be decoded.", "图片无法解码。", code="invalid_image")


def took_too_long(seconds: float) -> SightdError:
    """The error for a picture that was not decoded in time."""
    return Unprocessable(
        f"The picture took longer than {seconds:g} seconds to decode.",
        f"图片解码超过了 {seconds:g} 秒的时限。",
        code="invalid_image",
    )


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
        case "too_much_memory":
            return Unprocessable(
                "The picture needs more memory to decode than is allowed. Send a smaller one.",
                "解码该图片所需的内存超过了限制，请缩小后再上传。",
                code="image_too_large",
            )
    return Internal()
